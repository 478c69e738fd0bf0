package fabricnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fabric-kafka/orderer/chain/form"
)

// Up starts a network and returns when a transaction can be sent. On failure
// no process is left running; the folder with its logs is kept.
func Up(ctx context.Context, o Options) (*Network, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	n, err := claim(o.Dir)
	if err != nil {
		return nil, err
	}
	defer n.unlock()
	n.options = o
	if err := n.raise(ctx); err != nil {
		return nil, errors.Join(err, n.Halt())
	}
	return n, nil
}

// claim empties a folder for a new network, and locks it: the caller unlocks it. Nothing is
// changed in a folder that belongs to something else, or whose network is running.
func claim(dir string) (*Network, error) {
	n, err := at(dir)
	if err != nil {
		return nil, err
	}
	if err := vacant(n.dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		return nil, err
	}
	if n.lock, err = lockFolder(n.dir); err != nil {
		n.lock = nil
		return nil, err
	}
	if err := n.vacate(); err != nil {
		n.unlock()
		return nil, err
	}
	return n, nil
}

// vacant returns an error for a folder that is not empty and not a network's.
func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	entries = slices.DeleteFunc(entries, unsigned)
	if err == nil && len(entries) > 0 && !holdsNetwork(dir) {
		return fmt.Errorf("%s is not empty and holds no network: name another folder with --dir", dir)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// unsigned reports whether a file is a lock whose first holder ended before signing it.
func unsigned(e os.DirEntry) bool {
	info, err := e.Info()
	return err == nil && e.Name() == lockFile && info.Size() == 0
}

// vacate removes the remains of a network from the folder, unless it is still running. An
// unreadable state does not prevent that: the processes are found without it.
func (n *Network) vacate() error {
	old := &Network{options: n.options, dir: n.dir}
	if err := old.load(); err == nil {
		for name := range old.processes {
			if old.pid(name) != 0 {
				return n.runs(name, old.pid(name))
			}
		}
	}
	found, err := marked(n.dir)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		return n.runs(found[0].name, found[0].PID)
	}
	return errors.Join(unmountLedgers(n.dir), empty(n.dir))
}

func (n *Network) runs(name string, pid int) error {
	return fmt.Errorf("%s (process %d) of the network in %s is still running; end it with: go run ./network down --dir %[3]s", name, pid, n.dir)
}

func (n *Network) raise(ctx context.Context) error {
	if err := n.save(); err != nil { // from here on the folder is recognized as a network's, also after a failure
		return err
	}
	root, sample, err := n.locate(ctx)
	if err != nil {
		return err
	}
	steps := []struct {
		name string
		run  func() error
	}{
		{"build the binaries", func() error { return n.build(ctx, root) }},
		{"install the brokers", func() error { return n.installBrokers(ctx, root) }},
		{"check the ports", n.checkPorts},
		{"make crypto material", func() error { return n.makeCrypto(ctx) }},
		{"make genesis blocks and configuration", func() error { return n.makeConfiguration(ctx, sample) }},
		{"start the " + describe(n.options), func() error { return errors.Join(n.StartBrokers(ctx), n.startAll(ctx, proxyName)) }},
		{"mount the ledgers", n.mountLedgers},
		{"start the orderers", func() error { return n.startAll(ctx, "orderer") }},
		{n.begin() + strings.Join(n.options.allChannels(), ", "), func() error { return n.beginChannels(ctx) }},
		{"start the peers", func() error { return n.startAll(ctx, "peer") }},
		{"join the peers", func() error { return n.joinPeers(ctx) }},
		{"deploy the chaincode", func() error { return n.deploy(ctx) }},
	}
	for _, s := range steps {
		began := time.Now()
		if err := s.run(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintf(n.options.Progress, "%6.1fs  %s\n", time.Since(began).Seconds(), s.name)
	}
	return n.save()
}

// locate finds our module and Fabric's sample configuration from the working directory.
func (n *Network) locate(ctx context.Context) (root, sample string, err error) {
	mod, err := run(ctx, "", "go", "env", "GOMOD")
	if err != nil {
		return "", "", err
	}
	if root = filepath.Dir(strings.TrimSpace(mod)); root == "." || root == filepath.Dir(os.DevNull) {
		return "", "", errors.New("run this inside a checkout of github.com/fabric-kafka/orderer")
	}
	fabric, err := run(ctx, root, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/hyperledger/fabric")
	return root, filepath.Join(strings.TrimSpace(fabric), "sampleconfig"), err
}

// build compiles the network's binaries, unless a folder of binaries was given.
// With a warm build cache only changed packages are compiled.
func (n *Network) build(ctx context.Context, root string) error {
	for number, bin := range n.options.OrdererBins {
		abs, err := filepath.Abs(bin)
		if err != nil {
			return err
		}
		n.options.OrdererBins[number] = abs
	}
	if n.options.InTree != "" {
		abs, err := filepath.Abs(n.options.InTree)
		if err != nil {
			return err
		}
		n.options.InTree = abs
	}
	switch {
	case n.options.Bin != "":
		abs, err := filepath.Abs(n.options.Bin)
		n.options.Bin = abs
		return err
	case n.options.Fabric != "":
		return n.buildTree(ctx, root)
	}
	n.options.Bin = filepath.Join(root, ".build", "bin")
	return Build(ctx, root, n.options.Bin)
}

// buildTree compiles the release in a Fabric tree into a folder for that tree, and sets Options.Bin to it.
func (n *Network) buildTree(ctx context.Context, root string) error {
	tree, err := filepath.Abs(n.options.Fabric)
	if err != nil {
		return err
	}
	n.options.Bin, n.options.Fabric = filepath.Join(root, ".build", "bin-"+filepath.Base(tree)), ""
	return Build(ctx, root, n.options.Bin, "--fabric", tree)
}

// Build compiles all binaries of a network into a folder; more are additional flags of the builder.
func Build(ctx context.Context, root, out string, more ...string) error {
	builder := append([]string{"run", "./plugin/builder", "--out", out, "--with", "osnkafka,peer,osnadmin,configtxgen,cryptogen,configtxlator"}, more...)
	if _, err := run(ctx, root, "go", builder...); err != nil {
		return err
	}
	_, err := run(ctx, root, "go", "build", "-o", out+string(filepath.Separator), "./network", "./network/chaincode")
	return err
}

func run(ctx context.Context, dir, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	var stderr strings.Builder
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

func (n *Network) makeConfiguration(ctx context.Context, sample string) error {
	if n.options.InTree != "" {
		return errors.Join(n.makeSystemChannel(ctx), n.makeNodeConfig(sample))
	}
	for _, c := range n.options.Channels {
		if err := n.makeKafkaGenesis(ctx, c); err != nil {
			return err
		}
	}
	for _, c := range n.options.Raft {
		if err := n.makeGenesis(ctx, c, form.SharedType); err != nil {
			return err
		}
	}
	return n.makeNodeConfig(sample)
}

// startAll starts the processes whose names begin with prefix.
func (n *Network) startAll(ctx context.Context, prefix string) error {
	for _, name := range n.names() {
		if strings.HasPrefix(name, prefix) {
			if err := n.Start(ctx, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin describes how the channels begin.
func (n *Network) begin() string {
	if n.options.InTree != "" {
		return "create the channels "
	}
	return "join the orderers to "
}

func (n *Network) beginChannels(ctx context.Context) error {
	if n.options.InTree != "" {
		return n.createChannels(ctx)
	}
	return n.joinOrderers(ctx)
}

func (n *Network) joinOrderers(ctx context.Context) error {
	for _, c := range n.options.allChannels() {
		for i := range n.options.Orderers {
			if err := n.Join(ctx, ordererName(i), c, nil); err != nil {
				return err
			}
		}
	}
	for _, c := range n.options.allChannels() {
		for i := range n.options.Orderers {
			if err := n.AwaitActive(ctx, ordererName(i), c); err != nil {
				return fmt.Errorf("%w; see %s", err, n.path(logFile(ordererName(i))))
			}
		}
	}
	return nil
}

// AwaitActive waits until an orderer has caught up with a channel.
func (n *Network) AwaitActive(ctx context.Context, orderer, channel string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		info, err := n.Info(ctx, orderer, channel)
		switch {
		case err == nil && info.Status == "active":
			return nil
		case err == nil && info.Status == "failed":
			return fmt.Errorf("%s has stopped on channel %s", orderer, channel)
		case err == nil:
			err = fmt.Errorf("its status is %q at height %d", info.Status, info.Height)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not become active on channel %s: %w", orderer, channel, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (n *Network) joinPeers(ctx context.Context) error {
	for _, c := range n.options.allChannels() {
		for i := range n.options.Peers {
			if _, err := n.tool(ctx, "peer", n.peerCLI(i), "channel", "join", "-b", n.path(blockFile(c))); err != nil {
				return err
			}
		}
	}
	return nil
}
