// Package containers_test runs the kit network/test-network with a real container engine: a daemon of its own, with its
// own socket, folders and network, so that it and other engines on the machine do not interfere. Fabric-samples and registries
// are not needed: testdata stands in for the former, and the images are built from this checkout.
//
// The process that go test starts prepares engine and images, starts itself again in the network of the daemon, where
// published ports are, and ends the daemon. The tests run in the second process only.
package containers_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// insideVariable is set in the second process.
const insideVariable = "FABRIC_KAFKA_CONTAINERS"

func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv(insideVariable) != "" {
		os.Exit(m.Run())
	}
	runtime.LockOSThread() // the daemon ends with the thread that started it
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := outside(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "containers:", err)
		os.Exit(1)
	}
}

// outside runs the tests with an engine that is theirs.
func outside(ctx context.Context) (err error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return err
	}
	if err := timed("install what is missing", func() error { return install(ctx) }); err != nil {
		return err
	}
	var e *engine
	if err := timed("start the engine", func() error { e, err = start(ctx); return err }); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, timed("end the engine", e.end)) }()
	if err := timed("build the images", func() error { return e.images(ctx, root) }); err != nil {
		return err
	}
	return timed("run the tests", func() error { return e.inside(ctx) })
}

// timed carries out a step and prints how long it took.
func timed(step string, f func() error) error {
	began := time.Now()
	if err := f(); err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	fmt.Printf("%6.1fs  %s\n", time.Since(began).Seconds(), step)
	return nil
}
