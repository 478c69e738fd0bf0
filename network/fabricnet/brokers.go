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

// The brokers of a network are one embedded one, a cluster of Apache Kafka, or
// some that run already and are not the network's.

// UseBrokers sets the brokers as commands name them: "embedded", "apache",
// "apache:VERSION", or HOST:PORT of brokers that run.
func (o *Options) UseBrokers(names []string) error {
	o.Brokers, o.Apache = nil, ""
	for _, name := range names {
		kind, version, _ := strings.Cut(name, ":")
		switch {
		case (name == "embedded" || kind == "apache") && len(names) > 1:
			return fmt.Errorf("brokers %s: %s is all of the brokers, or none", strings.Join(names, ","), name)
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

// brokers are the addresses of all of them.
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

// brokerNames are the processes that are brokers, in the order in which they start.
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

// kafkaDir is where the jars of Apache Kafka are: beside the binaries.
func (n *Network) kafkaDir() string { return filepath.Join(filepath.Dir(n.options.Bin), "kafka") }

func (n *Network) apacheCluster() *apache.Cluster {
	c := &apache.Cluster{Kafka: apache.At(n.kafkaDir(), n.options.Apache), Dir: n.path("data"), Settings: n.options.BrokerLines}
	for i := range n.options.BrokerCount {
		c.Nodes = append(c.Nodes, n.options.apacheNode(i))
	}
	return c
}

// installBrokers fetches what the brokers are started from, and builds the proxy
// before them if there is to be one.
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

// brokerCommand is how the i-th broker is started, and how to tell that it serves.
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
// need each other.
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

// Controller names the broker that is the active controller of a cluster.
func (n *Network) Controller() (string, error) {
	if n.options.Apache == "" {
		return "", errors.New("brokers that are not the network's own Apache Kafka have no controller that it knows")
	}
	node, err := n.apacheCluster().Controller()
	if err != nil {
		return "", err
	}
	return brokerName + strconv.Itoa(node.ID), nil
}

// describe says what the brokers are.
func describe(o Options) string {
	switch {
	case o.Proxied:
		return fmt.Sprintf("%d brokers of Apache Kafka %s, and the proxy before them", o.BrokerCount, o.Apache)
	case o.Apache != "":
		return fmt.Sprintf("%d brokers of Apache Kafka %s", o.BrokerCount, o.Apache)
	case o.embedded():
		return "embedded broker"
	}
	return "brokers: they run already"
}

// StopBrokers ends all brokers: an embedded one as an operator does, those of a
// cluster at once, since the last ones would wait for the others.
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
