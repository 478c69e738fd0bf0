package apache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// classes returns the path of the archive of loaded classes, which halves a node's start time.
func (k *Kafka) classes() string { return filepath.Join(k.dir, "classes.jsa") }

// archive runs a node once, and has Java write the archive of the classes that it loaded.
func (k *Kafka) archive(ctx context.Context, progress io.Writer) error {
	if _, err := os.Stat(k.classes()); err == nil {
		return nil
	}
	fmt.Fprintf(progress, "prepare Apache Kafka %s\n", k.Version.Number)
	dir, err := os.MkdirTemp(k.dir, "partial-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c := &Cluster{Kafka: k, Dir: dir, Nodes: []Node{{ID: 1}}}
	for _, address := range []*string{&c.Nodes[0].Address, &c.Nodes[0].Controller} {
		if *address, err = freeAddress(); err != nil {
			return err
		}
	}
	if err := c.Prepare(c.Nodes[0]); err != nil {
		return err
	}
	partial := filepath.Join(dir, "classes.jsa")
	line := c.Command(c.Nodes[0])
	p := exec.CommandContext(ctx, line[0], append([]string{"-XX:ArchiveClassesAtExit=" + partial}, line[1:]...)...)
	if err := p.Start(); err != nil {
		return err
	}
	err = errors.Join(Serving(ctx, c.Nodes[0].Address), p.Process.Signal(syscall.SIGTERM))
	_ = p.Wait() // a node exits with 143 after SIGTERM
	if err != nil {
		return fmt.Errorf("run Apache Kafka %s once: %w", k.Version.Number, err)
	}
	return os.Rename(partial, k.classes())
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// serveTimeout is how long a node may take until it serves requests.
const serveTimeout = time.Minute
