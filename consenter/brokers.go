package consenter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fabric-kafka/orderer/chain/brokers"
)

// addressList takes a list of addresses.
func addressList(field *[]string) value {
	return taking(field, "a list of host:port, each once, as a yaml list or as a:9092,b:9092", func(raw any) ([]string, bool) {
		list, ok := listOf(raw)
		var addresses []string
		for _, item := range list {
			address, _ := item.(string)
			ok = ok && brokers.Check(address) == nil && !slices.Contains(addresses, address)
			addresses = append(addresses, address)
		}
		return addresses, ok
	})
}

// brokerFaults names the entries of a list that are no addresses, and why.
func brokerFaults(raw any) string {
	var faults strings.Builder
	list, _ := listOf(raw)
	for _, item := range list {
		address, ok := item.(string)
		if err := brokers.Check(address); ok && err != nil {
			fmt.Fprintf(&faults, "; broker %q: %s", address, err)
		}
	}
	return faults.String()
}
