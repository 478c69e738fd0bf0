// Package fabricnet starts and controls Fabric networks whose orderers order
// through Kafka: crypto material, genesis blocks, brokers, orderers,
// peers and a sample chaincode, as plain processes on the loopback interface
// with everything they need below one folder. No container engine is involved.
//
// The processes outlive the program that started them. What runs is recorded in
// DIR/network.json, for any reader (see [Descriptor]), and in DIR/state.json, for this
// package. A [Network] is used by one goroutine at a time, and the network in a folder is
// changed by one process at a time (see [BusyError]); each change first reads the state
// again.
package fabricnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Network is a network in a folder.
type Network struct {
	options   Options
	dir       string // absolute, without symbolic links
	processes map[string]process
	lock      *os.File // while this Network has locked the folder; otherwise nil

	timeout time.Duration                       // for a process to end; zero: stopTimeout
	signals func(process, syscall.Signal) error // sends a signal, for tests; nil: the kernel does
}

func (n *Network) path(parts ...string) string {
	return filepath.Join(append([]string{n.dir}, parts...)...)
}

// Dir returns the absolute path of the network's folder.
func (n *Network) Dir() string { return n.dir }

// Options returns the options that the network was started with, defaults filled in.
func (n *Network) Options() Options { return n.options }

// Bin returns the path of one of the network's binaries.
func (n *Network) Bin(name string) string { return filepath.Join(n.options.Bin, name) }

// Descriptor returns the content of network.json.
func (n *Network) Descriptor() Descriptor {
	o := n.options
	admin := userCrypto(ordererOrgDir(), "Admin", "example.com")
	d := Descriptor{
		Brokers: o.brokers(),
		Proxy:   o.proxy(),
		Admin: Admin{
			MSPID: "OrdererMSP",
			Cert:  filepath.Join(admin, "msp", "signcerts", "Admin@example.com-cert.pem"),
			Key:   filepath.Join(admin, "msp", "keystore", "priv_sk"),
			TLSCA: ordererTLSCA(),
		},
	}
	for _, c := range o.allChannels() {
		d.Channels = append(d.Channels, Channel{c, blockFile(c)})
	}
	for i := range o.Orderers {
		d.Orderers = append(d.Orderers, n.describeOrderer(i))
	}
	for i := range o.Peers {
		d.Peers = append(d.Peers, n.describePeer(i))
	}
	for org := 1; org <= o.orgs(); org++ {
		user := userCrypto(peerOrgDir(org), "User1", orgDomain(org))
		d.Users = append(d.Users, User{
			MSPID: orgMSP(org),
			Cert:  filepath.Join(user, "msp", "signcerts", "User1@"+orgDomain(org)+"-cert.pem"),
			Key:   filepath.Join(user, "msp", "keystore", "priv_sk"),
		})
	}
	return d
}

func ordererTLSCA() string {
	return filepath.Join(ordererOrgDir(), "tlsca", "tlsca.example.com-cert.pem")
}

func (n *Network) describeOrderer(i int) Orderer {
	name, folder := ordererName(i), ordererCrypto(i)
	base := ordererPort + 10*i
	o := Orderer{
		Name: name, MSPID: "OrdererMSP",
		Address: n.options.address(base), Admin: n.options.address(base + 1), Operations: n.options.address(base + 2),
		TLSCA:   ordererTLSCA(),
		MSPDir:  filepath.Join(folder, "msp"),
		TLSCert: filepath.Join(folder, "tls", "server.crt"), TLSKey: filepath.Join(folder, "tls", "server.key"),
		Dir: filepath.Join("data", name), Log: logFile(name), PID: n.pid(name),
	}
	if n.options.Profiled {
		o.Profile = n.options.address(base + 3)
	}
	return o
}

func (n *Network) describePeer(i int) Peer {
	name := peerName(i)
	return Peer{
		Name: name, MSPID: orgMSP(orgOf(i)), Address: n.options.address(peerPort + 10*i),
		TLSCA: filepath.Join(peerOrgDir(orgOf(i)), "tlsca", "tlsca."+orgDomain(orgOf(i))+"-cert.pem"),
		Log:   logFile(name), PID: n.pid(name),
	}
}

func logFile(name string) string { return filepath.Join("logs", name+".log") }

func (n *Network) pid(name string) int {
	if p := n.processes[name]; p.alive() {
		return p.PID
	}
	return 0
}

// PID returns the pid of a process, or 0 if it is not running.
func (n *Network) PID(name string) int { return n.pid(name) }

// names returns the names of all processes in the order in which they start.
func (n *Network) names() []string {
	names := n.options.brokerNames()
	if n.options.Proxied {
		names = append(names, proxyName)
	}
	for i := range n.options.Orderers {
		names = append(names, ordererName(i))
	}
	for i := range n.options.Peers {
		names = append(names, peerName(i))
	}
	if n.options.Peers > 0 {
		names = append(names, chaincodeName)
	}
	return names
}

// Start starts a process that is not running, and returns when it serves requests.
func (n *Network) Start(ctx context.Context, name string) error {
	return n.change(func() error {
		if err := n.launch(name); err != nil {
			return err
		}
		return n.serving(ctx, name)
	})
}

// launch starts a process. It is in the state before it runs, and its pid afterwards: if
// the caller ends in between, adopt finds it.
func (n *Network) launch(name string) error {
	c, _, err := n.command(name)
	if err != nil {
		return err
	}
	if n.processes[name].alive() {
		return fmt.Errorf("%s is already running", name)
	}
	if c.prepare != nil {
		if err := c.prepare(); err != nil {
			return fmt.Errorf("start %s: %w", name, err)
		}
	}
	n.processes[name] = process{}
	if err := n.save(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	if n.processes[name], err = launch(c); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	return n.save()
}

// serving waits until a launched process serves requests.
func (n *Network) serving(ctx context.Context, name string) error {
	c, ready, err := n.command(name)
	if err != nil {
		return err
	}
	if err := n.await(ctx, name, ready); err != nil {
		return fmt.Errorf("start %s: %w; see %s:\n%s", name, err, c.log, tail(c.log, 12))
	}
	return nil
}

// startTimeout is how long a process may take until it serves requests.
const startTimeout = 2 * time.Minute

// await polls until the process is ready, ends, or exceeds the timeout.
func (n *Network) await(ctx context.Context, name string, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		if !n.processes[name].alive() {
			return errors.New("the process has ended")
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not ready after %v: %w", startTimeout, err)
		case <-time.After(30 * time.Millisecond):
		}
	}
}

// Stop ends a process gracefully (SIGTERM). It returns once the process and its children are
// gone and its ports are free.
func (n *Network) Stop(name string) error { return n.signal(name, syscall.SIGTERM) }

// Kill ends a process at once (SIGKILL), and otherwise acts like [Network.Stop].
func (n *Network) Kill(name string) error { return n.signal(name, syscall.SIGKILL) }

// Pause suspends a process (SIGSTOP), like a machine that stalls.
func (n *Network) Pause(name string) error { return n.deliver(name, syscall.SIGSTOP) }

// Continue resumes a paused process.
func (n *Network) Continue(name string) error { return n.deliver(name, syscall.SIGCONT) }

func (n *Network) deliver(name string, s syscall.Signal) error {
	p := n.processes[name]
	if !p.alive() {
		return fmt.Errorf("%s is not running", name)
	}
	if err := n.send(p, s); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (n *Network) send(p process, s syscall.Signal) error {
	if n.signals != nil {
		return n.signals(p, s)
	}
	return p.send(s)
}

// Alive reports whether a process exists, paused or not.
func (n *Network) Alive(name string) bool { return n.processes[name].alive() }

// BrokerNames returns the names of the processes that are brokers of this network.
func (n *Network) BrokerNames() []string { return n.options.brokerNames() }

// signal ends a process, which stays in the state until it is gone.
func (n *Network) signal(name string, s syscall.Signal) error {
	return n.change(func() error {
		if _, _, err := n.command(name); err != nil {
			return err
		}
		if err := n.endWhole(name, s); err != nil {
			return err
		}
		delete(n.processes, name)
		return n.save()
	})
}

// Moved returns the topic id that [Network.SetMoved] set for the channel, or "".
func (n *Network) Moved(channel string) string {
	for _, m := range n.options.Moved {
		if id, of := strings.CutPrefix(m, channel+"="); of {
			return id
		}
	}
	return ""
}

// SetMoved lets the orderers accept the id of the topic that a channel was moved
// to, and restarts those that are running.
func (n *Network) SetMoved(ctx context.Context, channel, id string) error {
	return n.change(func() error {
		moved := []string{channel + "=" + id}
		for _, m := range n.options.Moved {
			if !strings.HasPrefix(m, channel+"=") {
				moved = append(moved, m)
			}
		}
		n.options.Moved = moved
		return n.restartOrderers(ctx)
	})
}

// Set replaces Options.Settings, the settings of Consensus.Kafka of every orderer, and
// restarts the orderers that are running.
func (n *Network) Set(ctx context.Context, settings ...string) error {
	return n.change(func() error {
		n.options.Settings = settings
		return n.restartOrderers(ctx)
	})
}

// restartOrderers restarts the running orderers one by one. The new settings are in the
// state before the first one is stopped.
func (n *Network) restartOrderers(ctx context.Context) error {
	if err := n.save(); err != nil {
		return err
	}
	for _, o := range n.Descriptor().Orderers {
		if o.PID == 0 {
			continue
		}
		if err := n.Stop(o.Name); err != nil {
			return err
		}
		if err := n.Start(ctx, o.Name); err != nil {
			return err
		}
	}
	return nil
}

// tool runs one of Fabric's commands and returns its standard output.
func (n *Network) tool(ctx context.Context, name string, env []string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, n.Bin(name), args...)
	c.Dir = n.dir
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "FABRIC_CFG_PATH=" + n.path("config", "peer"), "FABRIC_LOGGING_SPEC=error"}, env...)
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args[:min(3, len(args))], " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}
