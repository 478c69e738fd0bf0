package containers_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// packages maps each command that is needed to the Debian package that has it.
var packages = map[string]string{
	"dockerd": "docker.io", "docker": "docker.io", "containerd": "containerd", "docker-compose": "docker-compose",
	"iptables": "iptables", "ip": "iproute2", "jq": "jq", "openssl": "openssl", "jlink": "openjdk-17-jdk-headless",
	"shellcheck": "shellcheck", "busybox": "busybox-static", // the latter for fabric-samples
}

const remedy = "install %s, or leave the step out: make test NO_DOCKER=1"

// install installs the packages of missing commands, if that is allowed and possible.
func install(ctx context.Context) error {
	var missing []string
	for command, name := range packages {
		if _, err := exec.LookPath(command); err != nil && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	if os.Geteuid() != 0 {
		return errors.New("the tests start a container engine of their own, which needs root; run make containers as root, or leave the step out: make test NO_DOCKER=1")
	}
	if len(missing) == 0 {
		return nil
	}
	names := strings.Join(missing, " ")
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("commands of these packages are missing: %s; "+remedy, names, "them")
	}
	apt := exec.CommandContext(ctx, "sh", "-c", `apt-get update -qq && apt-get install -qq -y --no-install-recommends "$@"`, "sh")
	apt.Args = append(apt.Args, missing...)
	apt.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := apt.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s\n"+remedy, strings.Join(apt.Args, " "), err, out, names)
	}
	return nil
}

// engine is a docker daemon in a network namespace of its own.
type engine struct {
	dir    string
	daemon *exec.Cmd
	ended  chan struct{} // closed when the daemon has ended
}

func (e *engine) host() string { return "unix://" + filepath.Join(e.dir, "socket") }

// startTimeout is how long the daemon may take until it answers.
const startTimeout = time.Minute

// start starts a daemon and waits until it answers. Its folder is not below the checkout: a socket's path has at most
// 107 bytes.
func start(ctx context.Context) (*engine, error) {
	dir, err := os.MkdirTemp("", "containers-")
	if err != nil {
		return nil, err
	}
	e := &engine{dir: dir, ended: make(chan struct{})}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	e.daemon = exec.Command("unshare", "--net", "sh", "-c", `ip link set lo up && exec dockerd "$@"`, "dockerd",
		"--host", e.host(), "--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "pid"), "--bridge", "none")
	e.daemon.Stdout, e.daemon.Stderr = log, log
	e.daemon.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	if err := e.daemon.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = e.daemon.Wait() // its log says why it ended
		close(e.ended)
	}()
	if err := e.answers(ctx); err != nil {
		text, _ := os.ReadFile(log.Name()) // it was created above
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, lastLines(text, 20)), e.end())
	}
	return e, nil
}

// answers waits for the daemon.
func (e *engine) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		_, err := e.docker(ctx, "version")
		if err == nil {
			return nil
		}
		select {
		case <-e.ended:
			return errors.New("dockerd ended")
		case <-ctx.Done():
			return fmt.Errorf("dockerd does not answer: %w", err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// docker runs a command of the client.
func (e *engine) docker(ctx context.Context, args ...string) (string, error) {
	return output(exec.CommandContext(ctx, "docker", append([]string{"--host", e.host()}, args...)...))
}

// images builds the images from the checkout.
func (e *engine) images(ctx context.Context, root string) error {
	for _, args := range wantedImages() {
		c := exec.CommandContext(ctx, "go", append([]string{"run", "./network/images"}, args...)...)
		c.Dir, c.Env = root, append(os.Environ(), "DOCKER_HOST="+e.host())
		if _, err := output(c); err != nil {
			return err
		}
	}
	as := map[string]string{"fabric-kafka/peer": "hyperledger/fabric-peer"}
	if *samples != "" {
		as["fabric-kafka/busybox"] = "busybox"
	}
	if *samples != "" && *caTree != "" {
		as["fabric-kafka/ca"] = "hyperledger/fabric-ca"
	}
	for name, as := range as {
		if _, err := e.docker(ctx, "tag", name+":latest", as+":latest"); err != nil {
			return err
		}
	}
	return nil
}

// wantedImages returns the arguments of each call of network/images. Fabric-samples also needs a shell, and peers of
// a release.
func wantedImages() [][]string {
	ours := []string{"orderer", "broker", "chaincode"}
	if *samples == "" {
		return [][]string{append(ours, "peer")}
	}
	peer := []string{"peer", "busybox", "--work", filepath.Join(".build", "images", "samples")}
	if *tree != "" {
		peer = append(peer, "--fabric", *tree)
	}
	if *caTree != "" {
		peer = append(peer, "ca", "--fabric-ca", *caTree)
	}
	return [][]string{ours, peer}
}

// inside runs the tests in a second process, in the daemon's network.
func (e *engine) inside(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	c := exec.CommandContext(ctx, "nsenter", append([]string{fmt.Sprintf("--net=/proc/%d/ns/net", e.daemon.Process.Pid), "--", program}, os.Args[1:]...)...)
	c.Env = append(os.Environ(), insideVariable+"=1", "DOCKER_HOST="+e.host())
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = time.Minute
	return c.Run()
}

// end ends the daemon, and with it containers that are left, and removes its folder.
func (e *engine) end() error {
	err := e.daemon.Process.Signal(syscall.SIGTERM)
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-e.ended:
	case <-time.After(time.Minute):
		return errors.Join(fmt.Errorf("dockerd, process %d, does not end; its folder is %s", e.daemon.Process.Pid, e.dir), e.daemon.Process.Kill())
	}
	left, err := filepath.Glob(filepath.Join(e.dir, "exec", "netns", "*")) // a container on the daemon's own network leaves a mount
	for _, mount := range left {
		err = errors.Join(err, syscall.Unmount(mount, syscall.MNT_DETACH))
	}
	return errors.Join(err, os.RemoveAll(e.dir))
}

// output runs a command; its error has what the command printed.
func output(c *exec.Cmd) (string, error) {
	var out, messages bytes.Buffer
	c.Stdout, c.Stderr = &out, &messages
	if err := c.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w\n%s%s", strings.Join(c.Args, " "), err, lastLines(out.Bytes(), 30), lastLines(messages.Bytes(), 30))
	}
	return out.String(), nil
}

// lastLines returns the end of a text.
func lastLines(text []byte, n int) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-n):], nil)
}
