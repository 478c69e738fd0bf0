package settings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fabric-kafka/orderer/chain"
)

// brokers takes a list of addresses.
func brokers() rule {
	r := takes("a list of host:port, each once, as a yaml list or as a:9092,b:9092", func(raw any) ([]string, bool) {
		list, ok := listOf(raw)
		var addresses []string
		for _, item := range list {
			address, _ := item.(string)
			ok = ok && chain.CheckBroker(address) == nil && !slices.Contains(addresses, address)
			addresses = append(addresses, address)
		}
		return addresses, ok
	})
	r.detail = brokerFaults
	return r
}

// brokerFaults names the entries of a list that are no addresses, and why.
func brokerFaults(raw any) string {
	var faults strings.Builder
	list, _ := listOf(raw)
	for _, item := range list {
		address, ok := item.(string)
		if err := chain.CheckBroker(address); ok && err != nil {
			fmt.Fprintf(&faults, "; broker %q: %s", address, err)
		}
	}
	return faults.String()
}
