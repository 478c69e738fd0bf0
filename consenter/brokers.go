package consenter

import (
	"slices"

	"github.com/fabric-kafka/orderer/chain"
)

// brokers takes a list of addresses.
func brokers(field *[]string) value {
	return taking(field, "a list of host:port, each once, as a yaml list or as a:9092,b:9092", func(raw any) ([]string, bool) {
		list, ok := listOf(raw)
		var addresses []string
		for _, item := range list {
			address, _ := item.(string)
			ok = ok && chain.CheckBroker(address) == nil && !slices.Contains(addresses, address)
			addresses = append(addresses, address)
		}
		return addresses, ok
	})
}
