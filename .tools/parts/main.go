// Command parts runs the parts of make test-kafka and of make lines, each with its own make, on every version that was
// asked for: of Apache Kafka, or trees of Fabric. A part that fails does not keep the others from running. After the last one it prints what was left out,
// and then one line for each part: name, version, counts, seconds, result.
//
//	parts -counts FILE -parts 'contract rows' -versions '3.9 4' -part "$(PART)" -version "$(VERSION)"
//
// It runs make part-NAME VERSION=V COUNTS=FILE (VERSION=all for a part of -once), and expects each to append a line
// "NAME PASSED FAILED" to the file, as gotest does. A part without one, or in which nothing passed, has failed.
package main

import (
	"context"
	"flag"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("parts: ")
	r := runner{out: os.Stdout, run: command}
	var choice choice
	flag.StringVar(&r.dir, "dir", "..", "folder of the Makefile")
	flag.StringVar(&r.counts, "counts", "", "file that each part appends \"NAME PASSED FAILED\" to")
	flag.StringVar(&r.leftOut, "left-out", "", "what the parts themselves leave out, for the report")
	flag.Var((*words)(&choice.allParts), "parts", "names of all parts")
	flag.Var((*words)(&choice.once), "once", "names of more parts, which run once, on all versions together")
	flag.Var((*words)(&choice.allVersions), "versions", "all versions")
	flag.Var((*words)(&choice.parts), "part", "names of the parts to run; all if empty")
	flag.Var((*words)(&choice.versions), "version", "versions to run them on; all if empty")
	flag.Parse()
	if err := choice.check(); err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if !r.all(ctx, choice) {
		os.Exit(1)
	}
}

// runner runs parts.
type runner struct {
	dir     string
	counts  string
	leftOut string
	out     io.Writer
	run     func(ctx context.Context, dir string, args ...string) error
}

// command runs make. An interrupt of the terminal reaches make without help.
func command(ctx context.Context, dir string, args ...string) error {
	c := exec.CommandContext(ctx, "make", args...)
	c.Dir, c.Stdout, c.Stderr = dir, os.Stdout, os.Stderr
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 2 * time.Minute // a suite that is interrupted takes its networks down
	return c.Run()
}

// words is a flag whose value is words separated by spaces.
type words []string

func (w *words) String() string { return strings.Join(*w, " ") }

func (w *words) Set(s string) error {
	*w = strings.Fields(s)
	return nil
}
