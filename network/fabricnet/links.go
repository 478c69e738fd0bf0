package fabricnet

import (
	"strings"

	"github.com/fabric-kafka/orderer/network/apache"
	"github.com/fabric-kafka/orderer/network/links"
)

// In a network that is proxied each broker has a listener for each orderer, which
// sends that orderer to an address of the proxy; so an orderer has no other way to
// the brokers, also after it was told where they are.

// linkPorts are those of a link, above the base: of the broker's listener and of
// the proxy. Both count from 0.
func linkPorts(broker, orderer int) (listener, proxy int) {
	first := proxyPort + 10 + 20*broker
	return first + orderer, first + 10 + orderer
}

// proxyPorts are those of the proxy: of its API, and one a link.
func (o Options) proxyPorts() []int {
	all := []int{proxyPort}
	for b := range o.BrokerCount {
		for i := range o.Orderers {
			_, proxy := linkPorts(b, i)
			all = append(all, proxy)
		}
	}
	return all
}

// listenerPorts are those that a broker has for the proxy.
func (o Options) listenerPorts(broker int) (all []int) {
	if !o.Proxied {
		return nil
	}
	for i := range o.Orderers {
		listener, _ := linkPorts(broker, i)
		all = append(all, listener)
	}
	return all
}

// proxy is the address of the proxy's API; empty if there is none.
func (o Options) proxy() string {
	if !o.Proxied {
		return ""
	}
	return o.address(proxyPort)
}

// listeners are those of the i-th broker for orderers.
func (o Options) listeners(broker int) (all []apache.Listener) {
	if !o.Proxied {
		return nil
	}
	for i := range o.Orderers {
		listener, proxy := linkPorts(broker, i)
		all = append(all, apache.Listener{
			Name: strings.ToUpper(ordererName(i)), Protocol: "PLAINTEXT", Address: o.address(listener), Advertised: o.address(proxy),
		})
	}
	return all
}

// links are all ways from orderers to brokers.
func (o Options) links() (all []links.Link) {
	for b, broker := range o.brokerNames() {
		for i, l := range o.listeners(b) {
			all = append(all, links.Link{Name: links.Name(ordererName(i), broker), Listen: l.Advertised, Upstream: l.Address, Enabled: true})
		}
	}
	return all
}

// linked are the addresses by which an orderer reaches the brokers.
func (o Options) linked(orderer string) (addresses []string) {
	for _, l := range o.links() {
		if strings.HasPrefix(l.Name, links.Name(orderer, "")) {
			addresses = append(addresses, l.Listen)
		}
	}
	return addresses
}

// proxyCommand is how the proxy is started.
func (n *Network) proxyCommand(c command) (command, error) {
	file := n.path("config", "links.json")
	args, err := links.Args(n.options.proxy(), file)
	c.program, c.args = n.Bin(links.Program), args
	c.prepare = func() error { return links.Prepare(file, n.options.links()) }
	return c, err
}
