package fabricnet

import (
	"strings"

	"github.com/fabric-kafka/orderer/network/apache"
	"github.com/fabric-kafka/orderer/network/links"
)

// In a proxied network each broker has a listener for each orderer, which advertises
// an address of the proxy: an orderer reaches the brokers only through the proxy, also
// after it has read their addresses from the cluster metadata.

// linkPorts returns the ports of a link, relative to the base: of the broker's listener
// and of the proxy. Brokers and orderers are numbered from 0.
func linkPorts(broker, orderer int) (listener, proxy int) {
	first := proxyPort + 10 + 20*broker
	return first + orderer, first + 10 + orderer
}

// proxyPorts returns the ports of the proxy: that of its API, and one for each link.
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

// listenerPorts returns the ports of a broker that the proxy connects to.
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

// proxy returns the address of the proxy's API, or "" without a proxy.
func (o Options) proxy() string {
	if !o.Proxied {
		return ""
	}
	return o.address(proxyPort)
}

// listeners returns the listeners of the i-th broker for orderers.
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

// links returns the links from every orderer to every broker.
func (o Options) links() (all []links.Link) {
	for b, broker := range o.brokerNames() {
		for i, l := range o.listeners(b) {
			all = append(all, links.Link{Name: links.Name(ordererName(i), broker), Listen: l.Advertised, Upstream: l.Address, Enabled: true})
		}
	}
	return all
}

// linked returns the addresses at which an orderer reaches the brokers.
func (o Options) linked(orderer string) (addresses []string) {
	for _, l := range o.links() {
		if strings.HasPrefix(l.Name, links.Name(orderer, "")) {
			addresses = append(addresses, l.Listen)
		}
	}
	return addresses
}

// proxyCommand completes the command that starts the proxy.
func (n *Network) proxyCommand(c command) (command, error) {
	file := n.path("config", "links.json")
	args, err := links.Args(n.options.proxy(), file)
	c.program, c.args = n.Bin(links.Program), args
	c.prepare = func() error { return links.Prepare(file, n.options.links()) }
	return c, err
}
