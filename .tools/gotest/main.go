// Command gotest runs go test, prints a line per package and the output of
// what failed, and counts: its last line is "NAME: N passed, N failed". The
// counts are also appended to a file, so that the sum of several runs can be
// stated at the end.
//
//	gotest -name unit -counts FILE -- -timeout 5m ./chain/...
//
// Tests and subtests count, and a package that fails outside of any test (it
// does not compile, say) is one failure. For a Ginkgo suite, whose specs are
// one Go test, -specs names the JSON report that the suite writes; its specs
// are counted instead.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
)

type options struct {
	name   string
	dir    string
	counts string
	specs  string
	live   bool
}

func main() {
	log.SetFlags(0)
	var o options
	flag.StringVar(&o.name, "name", "test", "name of the run in the closing line")
	flag.StringVar(&o.dir, "dir", "..", "folder to run go test in")
	flag.StringVar(&o.counts, "counts", "", "file to append \"NAME PASSED FAILED\" to")
	flag.StringVar(&o.specs, "specs", "", "Ginkgo's JSON report, to count specs from")
	flag.BoolVar(&o.live, "live", false, "print all output at once")
	flag.Parse()
	code, err := run(o, flag.Args(), os.Stdout)
	if err != nil {
		log.Fatalf("gotest: %v", err)
	}
	os.Exit(code)
}

// run runs go test and returns its exit code.
func run(o options, args []string, out io.Writer) (int, error) {
	if o.specs != "" {
		if err := os.Remove(o.specs); err != nil && !errors.Is(err, os.ErrNotExist) {
			return 1, err // an old report would be counted
		}
	}
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Dir, cmd.Stderr = o.dir, os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 1, err
	}
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	total, readErr := follow(stdout, printerTo(out, o.live))
	if err := cmd.Wait(); err != nil && cmd.ProcessState == nil {
		return 1, err
	}
	if readErr != nil {
		return 1, readErr
	}
	return conclude(o, total, cmd.ProcessState.ExitCode(), out)
}

// conclude prints and records the counts. A run in which nothing passed and
// nothing failed has tested nothing: it fails.
func conclude(o options, total counts, code int, out io.Writer) (int, error) {
	if o.specs != "" {
		specs, err := readSpecs(o.specs)
		switch {
		case err == nil:
			total = specs
		case code == 0:
			return 1, fmt.Errorf("count specs: %w", err)
		}
	}
	if code != 0 && total.failed == 0 {
		total.failed = 1
	}
	fmt.Fprintf(out, "%s: %d passed, %d failed\n", o.name, total.passed, total.failed)
	if code == 0 && total.passed == 0 {
		return 1, errors.Join(errors.New("no test ran"), appendCounts(o, total))
	}
	return code, appendCounts(o, total)
}

func appendCounts(o options, total counts) error {
	if o.counts == "" {
		return nil
	}
	f, err := os.OpenFile(o.counts, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	fmt.Fprintf(f, "%s %d %d\n", o.name, total.passed, total.failed)
	return f.Close()
}
