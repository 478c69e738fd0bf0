package brokers

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// Usable returns the addresses in the broker list of a channel config that can be connected to, in order
// and without duplicates. It is for configs that are in a ledger already, which can no longer be refused:
// [CheckNew] says what a new list may have. The error names the entries if none is usable.
func Usable(config *fabric.Config) ([]string, error) {
	list, err := Named(config)
	if err != nil {
		return nil, unusable{fmt.Sprintf("its %s does not decode (%v)", Key, err)}
	}
	var addresses []string
	for _, entry := range list {
		if address := strings.TrimSpace(entry); connectable(address) && !slices.Contains(addresses, address) {
			addresses = append(addresses, address)
		}
	}
	if len(addresses) == 0 {
		return nil, unusable{fmt.Sprintf("its %s are %q", Key, list)}
	}
	return addresses, nil
}

// connectable reports whether a connection can be made to an address.
func connectable(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// unusable is why a channel config leads to no broker. A config update cannot be
// the remedy on an orderer that has no other list, since it would have to be ordered.
type unusable struct{ fact string }

func (u unusable) Error() string {
	return "the channel config names no broker that can be connected to: " + u.fact
}
