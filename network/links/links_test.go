package links

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Each disturbance affects open and new connections of one orderer only, and Repair removes it.
func TestDisturbances(t *testing.T) {
	upstream := echo(t)
	first, second := free(t), free(t)
	p := run(t, []Link{
		{Name: Name("orderer1", "broker1"), Listen: first, Upstream: upstream, Enabled: true},
		{Name: Name("orderer2", "broker1"), Listen: second, Upstream: upstream, Enabled: true},
	})
	names, err := p.Links(t.Context(), "orderer1")
	if err != nil || len(names) != 1 {
		t.Fatalf("links %v, %v", names, err)
	}
	if at, err := p.Address(t.Context(), names[0]); err != nil || at != first {
		t.Errorf("the link is at %s, %v, want %s", at, err, first)
	}
	if _, err := p.Links(t.Context(), "orderer"); err == nil {
		t.Error("an unknown orderer has links")
	}
	for _, c := range []struct {
		name string
		do   func(ctx context.Context, link string) error
		wait time.Duration // for an answer
		want func(took time.Duration, err error) bool
	}{
		{"cut", p.Cut, ample, func(_ time.Duration, err error) bool { return err != nil && !errors.Is(err, os.ErrDeadlineExceeded) }},
		{"answers swallowed", func(ctx context.Context, link string) error { return p.Swallow(ctx, link, Answers) }, time.Second, swallowed},
		{"requests swallowed", func(ctx context.Context, link string) error { return p.Swallow(ctx, link, Requests) }, time.Second, swallowed},
		{"slow", func(ctx context.Context, link string) error { return p.Slow(ctx, link, 200, 0, 1000) }, ample,
			func(took time.Duration, err error) bool { return err == nil && took >= 200*time.Millisecond }},
	} {
		open := dial(t, first)
		if err := c.do(t.Context(), names[0]); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if took, err := ask(open, c.wait); !c.want(took, err) {
			t.Errorf("%s: an open connection: %v after %v", c.name, err, took)
		}
		if took, err := askOnce(first, c.wait); !c.want(took, err) {
			t.Errorf("%s: a new connection: %v after %v", c.name, err, took)
		}
		if _, err := askOnce(second, ample); err != nil {
			t.Errorf("%s: the other orderer: %v", c.name, err)
		}
		if err := p.Repair(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := askOnce(first, ample); err != nil {
			t.Errorf("%s: after the repair: %v", c.name, err)
		}
	}
	if err := p.Cut(t.Context(), "orderer9-broker1"); err == nil {
		t.Error("an unknown link was cut")
	}
}

// A link is repaired at once, whatever is still on its way through it.
func TestRepairBusyLink(t *testing.T) {
	upstream, address := echo(t), free(t)
	p := run(t, []Link{{Name: Name("orderer1", "broker1"), Listen: address, Upstream: upstream, Enabled: true}})
	open := dial(t, address)
	if err := p.Slow(t.Context(), Name("orderer1", "broker1"), 30_000, 0, 10); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = open.Write(make([]byte, 4<<20)) }() // at 10 KB a second
	time.Sleep(time.Second)
	began := time.Now()
	if err := p.Repair(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("repaired after %v", took)
	}
	if took, err := askOnce(address, ample); err != nil || took > 20*time.Second {
		t.Errorf("after the repair: %v, %v", took, err)
	}
}

// ample is enough time for an answer, even on a busy machine.
const ample = time.Minute

func swallowed(_ time.Duration, err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// run starts a proxy for the test.
func run(t *testing.T, all []Link) Proxy {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("../..")
	if err == nil {
		err = Build(t.Context(), root, dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	file, address := filepath.Join(dir, "links.json"), free(t)
	if err := Prepare(file, all); err != nil {
		t.Fatal(err)
	}
	args, err := Args(address, file)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(filepath.Join(dir, Program), args...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Process.Kill(), c.Wait() })
	p := Proxy(address)
	for began := time.Now(); p.Repair(t.Context()) != nil; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > ample {
			t.Fatal("the proxy does not answer")
		}
	}
	return p
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// echo serves lines that come back.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	return l.Addr().String()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := ask(c, ample); err != nil {
		t.Fatal(err)
	}
	return c
}

func askOnce(address string, wait time.Duration) (time.Duration, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	return ask(c, wait)
}

// ask sends a line and waits for it to come back.
func ask(c net.Conn, wait time.Duration) (time.Duration, error) {
	began := time.Now()
	if err := c.SetDeadline(began.Add(wait)); err != nil {
		return 0, err
	}
	if _, err := fmt.Fprintln(c, "hello"); err != nil {
		return 0, err
	}
	_, err := bufio.NewReader(c).ReadString('\n')
	return time.Since(began), err
}
