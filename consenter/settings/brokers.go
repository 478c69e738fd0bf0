package settings

import (
	"fmt"
	"strings"

	"github.com/fabric-kafka/orderer/chain/brokers"
)

// addressList returns the rule of a list of addresses.
func addressList() rule {
	r := typed("a list of host:port, each once, as a yaml list or as a:9092,b:9092", func(raw any) ([]string, bool) {
		return distinct(raw, func(item any) (string, bool) {
			address, _ := item.(string)
			return address, brokers.Check(address) == nil
		})
	})
	r.detail = brokerFaults
	return r
}

// brokerFaults names the entries of a list that are not addresses, and why.
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
