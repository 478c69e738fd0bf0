package fabricnet

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/fabric-kafka/orderer/network/apache"
	"github.com/fabric-kafka/orderer/network/links"
)

// The brokers of a network are a single embedded broker, a cluster of Apache Kafka, or
// running brokers that do not belong to the network.

// UseBrokers sets the brokers as commands name them: "embedded", "apache",
// "apache:VERSION", or HOST:PORT of running brokers.
func (o *Options) UseBrokers(names []string) error {
	o.Brokers, o.Apache = nil, ""
	for _, name := range names {
		kind, version, _ := strings.Cut(name, ":")
		switch {
		case (name == "embedded" || kind == "apache") && len(names) > 1:
			return fmt.Errorf("brokers %s: %s cannot be combined with other brokers", strings.Join(names, ","), name)
		case name == "embedded":
		case kind == "apache":
			v, err := apache.Find(version)
			if err != nil {
				return err
			}
			o.Apache = v.Number
		default:
			o.Brokers = append(o.Brokers, name)
		}
	}
	return nil
}

func (o Options) embedded() bool { return len(o.Brokers) == 0 && o.Apache == "" }

// brokers returns the addresses of all brokers.
func (o Options) brokers() []string {
	switch {
	case o.embedded():
		return []string{o.address(brokerPort)}
	case o.Apache == "":
		return o.Brokers
	}
	all := make([]string, o.BrokerCount)
	for i := range all {
		all[i] = o.apacheNode(i).Address
	}
	return all
}

func (o Options) apacheNode(i int) apache.Node {
	return apache.Node{ID: i + 1, Address: o.address(apachePort + 10*i), Controller: o.address(apachePort + 10*i + 1), Listeners: o.listeners(i)}
}

// brokerNames returns the names of the broker processes in the order in which they start.
func (o Options) brokerNames() []string {
	if o.embedded() {
		return []string{brokerName}
	}
	if o.Apache == "" {
		return nil
	}
	all := make([]string, o.BrokerCount)
	for i := range all {
		all[i] = brokerName + strconv.Itoa(i+1)
	}
	return all
}

// kafkaDir returns the folder with the jars of Apache Kafka, next to that of the binaries.
func (n *Network) kafkaDir() string { return filepath.Join(filepath.Dir(n.options.Bin), "kafka") }

func (n *Network) apacheCluster() *apache.Cluster {
	c := &apache.Cluster{Kafka: apache.At(n.kafkaDir(), n.options.Apache), Dir: n.path("data"), Settings: n.options.BrokerLines}
	for i := range n.options.BrokerCount {
		c.Nodes = append(c.Nodes, n.options.apacheNode(i))
	}
	return c
}

// installBrokers fetches the brokers' jars, and builds the proxy if the network has one.
func (n *Network) installBrokers(ctx context.Context, root string) error {
	if n.options.Apache == "" {
		return nil
	}
	if n.options.Proxied {
		if err := links.Build(ctx, root, n.options.Bin); err != nil {
			return err
		}
	}
	v, err := apache.Find(n.options.Apache)
	if err != nil {
		return err
	}
	_, err = apache.Install(ctx, v, n.kafkaDir(), n.options.Progress)
	return err
}

// brokerCommand completes the command that starts a broker, and returns a check of whether
// it serves requests.
func (n *Network) brokerCommand(name string, c command) (command, func(context.Context) error) {
	if n.options.embedded() {
		address := n.options.brokers()[0]
		c.program, c.args = n.Bin("network"), []string{"broker", "--listen", address, "--data", n.path("data", brokerName)}
		return c, listening(address)
	}
	cluster := n.apacheCluster()
	node := cluster.Nodes[numberOf(name)-1]
	c.prepare = func() error { return cluster.Prepare(node) }
	line := cluster.Command(node)
	c.program, c.args = line[0], line[1:]
	return c, func(context.Context) error { return apache.Ready(node.Address) }
}

// StartBrokers starts all brokers and then waits for them: the nodes of a cluster
// depend on each other.
func (n *Network) StartBrokers(ctx context.Context) error {
	return n.change(func() error { return n.startBrokers(ctx) })
}

func (n *Network) startBrokers(ctx context.Context) error {
	for _, name := range n.options.brokerNames() {
		if err := n.launch(name); err != nil {
			return err
		}
	}
	for _, name := range n.options.brokerNames() {
		if err := n.serving(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// Controller returns the name of the broker that is the active controller of the cluster.
func (n *Network) Controller() (string, error) {
	if n.options.Apache == "" {
		return "", errors.New("the active controller is known only for the network's own brokers of Apache Kafka")
	}
	node, err := n.apacheCluster().Controller()
	if err != nil {
		return "", err
	}
	return brokerName + strconv.Itoa(node.ID), nil
}

// describe describes the brokers for progress lines.
func describe(o Options) string {
	switch {
	case o.Proxied:
		return fmt.Sprintf("%d brokers of Apache Kafka %s, and the proxy in front of them", o.BrokerCount, o.Apache)
	case o.Apache != "":
		return fmt.Sprintf("%d brokers of Apache Kafka %s", o.BrokerCount, o.Apache)
	case o.embedded():
		return "embedded broker"
	}
	return "brokers: they are already running"
}

// StopBrokers ends all brokers: an embedded one with SIGTERM, those of a cluster with
// SIGKILL, since the last ones would wait for the others.
func (n *Network) StopBrokers() error {
	end := n.Stop
	if n.options.Apache != "" {
		end = n.Kill
	}
	return n.change(func() error {
		var faults []error
		for _, name := range n.options.brokerNames() {
			faults = append(faults, end(name))
		}
		return errors.Join(faults...)
	})
}
