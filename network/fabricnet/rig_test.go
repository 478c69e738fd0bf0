package fabricnet

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// lives are the scripts that the processes of these tests' networks run.
var lives = map[string]string{
	"sleeps":   "echo ready; exec sleep 86400",
	"stubborn": "trap '' TERM; echo ready; exec sleep 86400",
	"parent":   "sleep 86400 & echo ready; wait", // its child outlives it
	"listens":  "exec " + listens + "0 " + os.Args[0],
	"heir":     "exec " + listens + "500ms " + os.Args[0],
	"heirs":    "exec " + listens + "24h " + os.Args[0],
}

// listens is the environment of a process that listens on its orderer's port. Unless its time
// is 0, a child without the network's environment keeps the port for that long.
const listens = "env " + roleMark + "listens FOR="

// Other commands that use a network are this test binary: its environment selects the role.
const roleMark = "FABRICNET_TEST_ROLE="

func TestMain(m *testing.M) {
	if role := os.Getenv(strings.TrimSuffix(roleMark, "=")); role != "" {
		os.Exit(play(role, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// play runs the role of such a command.
func play(role string, args []string) int {
	switch role {
	case "claims":
		return claims(args[0])
	case "listens":
		return listen()
	case "keeps":
		return keep()
	case "crashes":
		return crashes(args[0], args[1:]...)
	}
	fmt.Println("there is no role", role)
	return 1
}

// claims claims a folder for a new network and keeps it until its input ends.
func claims(dir string) int {
	n, err := claim(dir)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(n) // its lock ends when it is collected
	return 0
}

// listen listens on the orderer's port until the process is ended.
func listen() int {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", os.Getenv("ORDERER_GENERAL_LISTENPORT")))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if d := os.Getenv("FOR"); d != "0" {
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			fmt.Println(err)
			return 1
		}
		child := exec.Command(os.Args[0], d)
		child.Env, child.ExtraFiles = []string{roleMark + "keeps"}, []*os.File{f}
		in, err := child.StdinPipe()
		if err = errors.Join(err, child.Start()); err != nil {
			fmt.Println(err)
			return 1
		}
		defer in.Close()
	}
	fmt.Println("ready")
	select {}
}

// keep keeps an inherited port open for a while after its parent has ended.
func keep() int {
	d, err := time.ParseDuration(os.Args[1])
	if err != nil {
		return 1
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	time.Sleep(d)
	return 0
}

// crashes starts a process as launch does, and is killed before its pid is in the state, or,
// without the first write, before the process is in the state at all.
func crashes(dir string, first ...string) int {
	n, err := Open(dir)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 1 + len(fmt.Sprintln(n.exclusively(func() error {
		if len(first) > 0 {
			n.processes["orderer1"] = process{}
			if err := n.save(); err != nil {
				return err
			}
		}
		c, _, err := n.command("orderer1")
		if err != nil {
			return err
		}
		if _, err = launch(c); err != nil {
			return err
		}
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	})))
}

// rig is a network whose orderers run one of the lives.
type rig struct {
	*testing.T
	*Network
}

// newRig makes a network in a folder, with a state and no processes.
func newRig(t *testing.T, dir, life string) *rig {
	t.Helper()
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "orderer"), []byte("#!/bin/sh\n"+lives[life]+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	n, err := claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer n.unlock()
	n.options = Options{Peers: -1, Bin: bin, Dir: dir, BasePort: freeBase(t)}.withDefaults()
	if err := n.save(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		found, err := marked(n.dir)
		if err != nil {
			t.Error(err)
		}
		for _, m := range found {
			_ = syscall.Kill(m.PID, syscall.SIGKILL)
		}
	})
	return &rig{t, n}
}

// freeBase returns a base port with free ports for the orderers, below the kernel's ephemeral range.
func freeBase(t *testing.T) int {
	t.Helper()
	for range 1000 {
		base := 10000 + 50*rand.IntN(400)
		n := &Network{options: Options{Orderers: 3, Peers: -1, BasePort: base}.withDefaults()}
		if n.checkPorts() == nil {
			return base
		}
	}
	t.Fatal("no port is free")
	return 0
}

// starts starts an orderer and waits until it is running.
func (r *rig) starts(name string) process {
	r.Helper()
	if err := r.change(func() error { return r.launch(name) }); err != nil {
		r.Fatal(err)
	}
	r.lives(name)
	return r.processes[name]
}

func (r *rig) lives(name string) {
	r.Helper()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(tail(r.path(logFile(name)), 1), "ready"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			r.Fatal(tail(r.path(logFile(name)), 10))
		}
	}
}

// reopened returns the network as another command opens it.
func (r *rig) reopened() *rig {
	r.Helper()
	n, err := Open(r.dir)
	if err != nil {
		r.Fatal(err)
	}
	return &rig{r.T, n}
}

func (r *rig) gone(what string, all ...process) {
	r.Helper()
	for _, p := range all {
		if p.alive() {
			r.Errorf("%s: process %d runs", what, p.PID)
		}
	}
}

func (r *rig) folder() bool {
	_, err := os.Stat(r.dir)
	return err == nil
}

// bystander runs a command outside any network until the test ends, and returns the process and its
// input, which ends it when it is closed.
func bystander(t *testing.T, c *exec.Cmd) (process, io.Closer) {
	t.Helper()
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Process.Kill(), c.Wait() })
	said := make([]byte, len("ready"))
	if _, err := io.ReadFull(out, said); err != nil || string(said) != "ready" {
		t.Fatalf("%v says %q, %v", c.Args, said, err)
	}
	return processOf(c.Process.Pid), in
}

// actor returns a command that runs this binary in a role.
func actor(role string, args ...string) *exec.Cmd {
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), roleMark+role)
	return c
}
