// Package fabricnet raises and drives Fabric networks whose orderers order
// through Kafka: crypto material, genesis blocks, brokers, orderers,
// peers and a sample chaincode, as plain processes on the loopback interface
// with everything they need below one folder. No container engine is involved.
//
// The processes outlive the program that raised them. What runs is kept in
// DIR/network.json, for everybody (see Descriptor), and DIR/state.json, for this
// package. A Network is used by one goroutine at a time, and the network in a folder is
// changed by one process at a time (see BusyError); what changes it first reads the state
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
	dir       string // absolute, without links
	processes map[string]process
	lock      *os.File // while the folder is locked by this Network; else nil

	patience time.Duration                       // that a process has to end; zero: stopPatience
	signals  func(process, syscall.Signal) error // instead of the kernel's; nil: that
}

func (n *Network) path(parts ...string) string {
	return filepath.Join(append([]string{n.dir}, parts...)...)
}

// Dir is the network's folder, absolute.
func (n *Network) Dir() string { return n.dir }

// Options are what the network was raised with, defaults filled in.
func (n *Network) Options() Options { return n.options }

// Bin is the path of one of the network's binaries.
func (n *Network) Bin(name string) string { return filepath.Join(n.options.Bin, name) }

// Descriptor is what network.json holds.
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
	return Orderer{
		Name: name, MSPID: "OrdererMSP",
		Address: n.options.address(base), Admin: n.options.address(base + 1), Operations: n.options.address(base + 2),
		TLSCA:   ordererTLSCA(),
		MSPDir:  filepath.Join(folder, "msp"),
		TLSCert: filepath.Join(folder, "tls", "server.crt"), TLSKey: filepath.Join(folder, "tls", "server.key"),
		Dir: filepath.Join("data", name), Log: logFile(name), PID: n.pid(name),
	}
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

// names are all processes in the order in which they start.
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

// Start starts a process that does not run, and returns when it serves.
func (n *Network) Start(ctx context.Context, name string) error {
	return n.change(func() error {
		if err := n.launch(name); err != nil {
			return err
		}
		return n.serving(ctx, name)
	})
}

// launch starts a process. The state has it before it runs, and its pid behind that: if
// the caller ends between, adopt finds it.
func (n *Network) launch(name string) error {
	c, _, err := n.command(name)
	if err != nil {
		return err
	}
	if n.processes[name].alive() {
		return fmt.Errorf("%s runs already", name)
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

// serving waits until a process that was launched serves.
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

// startPatience is how long a process may take to serve.
const startPatience = 2 * time.Minute

// await polls until the process is ready, ends, or takes too long.
func (n *Network) await(ctx context.Context, name string, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
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
			return fmt.Errorf("not ready after %v: %w", startPatience, err)
		case <-time.After(30 * time.Millisecond):
		}
	}
}

// Stop ends a process as an operator does, and returns once it is gone, what it has started,
// too, and nobody listens at its ports.
func (n *Network) Stop(name string) error { return n.signal(name, syscall.SIGTERM) }

// Kill ends a process at once, and returns as Stop does.
func (n *Network) Kill(name string) error { return n.signal(name, syscall.SIGKILL) }

// Pause stops a process where it is, as a machine that stalls.
func (n *Network) Pause(name string) error { return n.deliver(name, syscall.SIGSTOP) }

// Continue lets a process go on that was paused.
func (n *Network) Continue(name string) error { return n.deliver(name, syscall.SIGCONT) }

func (n *Network) deliver(name string, s syscall.Signal) error {
	p := n.processes[name]
	if !p.alive() {
		return fmt.Errorf("%s does not run", name)
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

// Alive says whether a process is there, paused or not.
func (n *Network) Alive(name string) bool { return n.processes[name].alive() }

// BrokerNames are the processes that are brokers of this network.
func (n *Network) BrokerNames() []string { return n.options.brokerNames() }

// signal ends a process, which stays in the state unless it is gone.
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

// Moved is the id of the topic that SetMoved gave for the channel, or empty.
func (n *Network) Moved(channel string) string {
	for _, m := range n.options.Moved {
		if id, of := strings.CutPrefix(m, channel+"="); of {
			return id
		}
	}
	return ""
}

// SetMoved lets the orderers take the id of the topic that a channel was moved
// to, and restarts those that run.
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

// Set gives every orderer settings of Consensus.Kafka in the place of those that
// Options.Settings had, and restarts those that run.
func (n *Network) Set(ctx context.Context, settings ...string) error {
	return n.change(func() error {
		n.options.Settings = settings
		return n.restartOrderers(ctx)
	})
}

// restartOrderers restarts those that run, one after the other. The new settings are in the
// state before the first is stopped.
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
	var complaint strings.Builder
	c.Stderr = &complaint
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args[:min(3, len(args))], " "), err, strings.TrimSpace(complaint.String()))
	}
	return string(out), nil
}
