// Package brokers reads and checks the broker lists of a channel: the one in the
// channel config, which every orderer of every Fabric release must be able to read,
// and an orderer's own, which replaces it there.
package brokers

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/hyperledger/fabric/common/channelconfig"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// Key is the name of the broker list in a channel's orderer group.
const Key = "KafkaBrokers"

// New reads the broker list of a channel config that is not in a ledger yet:
// a genesis block, or a block to join with. See [CheckNew] for what it refuses.
func New(config *fabric.Config) ([]string, error) {
	list, err := brokerList(config)
	if err != nil {
		return nil, err
	}
	return list, CheckNew(list)
}

// brokerList returns the broker list of a channel config, of one broker at least.
func brokerList(config *fabric.Config) ([]string, error) {
	list, err := Named(config)
	if err != nil {
		return nil, fmt.Errorf("decode the channel config's %s: %w", Key, err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("the channel config names no broker: put at least one host:port in /Channel/Orderer/%s", Key)
	}
	return list, nil
}

// Named returns the broker list of a channel config as it is; an empty list is not an error.
func Named(config *fabric.Config) ([]string, error) {
	list := &fabric.KafkaBrokers{}
	err := fabric.Unmarshal(valueOf(config), list)
	return list.Brokers, err
}

func valueOf(config *fabric.Config) []byte {
	return config.GetChannelGroup().GetGroups()[channelconfig.OrdererGroupKey].GetValues()[Key].GetValue()
}

// maxBrokers is more than any client needs to find a cluster.
const maxBrokers = 128

// Changed reports whether an update changes the broker list or removes it. One that leaves it as it is
// may keep a list that was accepted once.
func Changed(now, next *fabric.Config) bool {
	return string(valueOf(now)) != string(valueOf(next))
}

// CheckNames refuses a new list that Fabric 2.5 refuses, of whatever consensus type.
func CheckNames(now, next *fabric.Config) error {
	if !Changed(now, next) {
		return nil
	}
	list, err := Named(next)
	if err != nil {
		return fmt.Errorf("decode the channel config's %s: %w", Key, err)
	}
	var faults brokerFaults
	for _, b := range list {
		if !acceptedBy25(b) {
			faults.add(b, errNotAcceptedBy25)
		}
	}
	return errors.Join(faults...)
}

// CheckNew checks a new broker list of a channel config. Every build decides alike, as the strictest of all lines of
// Fabric does: orderers and peers of Fabric 2.5 crash on a list that they do not accept, again at every start. The error
// names every entry that is at fault.
func CheckNew(list []string) error {
	switch {
	case len(list) == 0:
		return errors.New("no broker is named: name at least one host:port")
	case len(list) > maxBrokers:
		return fmt.Errorf("%d brokers are named, and at most %d are allowed: name a few; they report the others", len(list), maxBrokers)
	}
	var faults brokerFaults
	seen := map[string]bool{}
	for _, b := range list {
		err := checkNewBroker(b)
		if err == nil && seen[strings.ToLower(b)] {
			err = errors.New("it is named twice")
		}
		if err != nil {
			faults.add(b, err)
		}
		seen[strings.ToLower(b)] = true
	}
	return errors.Join(faults...)
}

// brokerFaults lists what is wrong with the entries of a list. A config can hold any number of them, of any length.
type brokerFaults []error

func (f *brokerFaults) add(entry string, err error) {
	const maxFaults = 10
	switch {
	case len(*f) < maxFaults:
		*f = append(*f, fmt.Errorf("broker %.*q of the channel config: %w", maxHost, entry, err))
	case len(*f) == maxFaults:
		*f = append(*f, errors.New("more brokers of the channel config are at fault"))
	}
}

// errNotAcceptedBy25 is the error for an address that Fabric 2.5 does not accept.
var errNotAcceptedBy25 = errors.New("a channel config accepts letters, digits, dots and hyphens in a host, with a letter or digit at both ends, " +
	"and one colon before the port, since orderers and peers of Fabric 2.5 crash on anything else; " +
	"name the broker by such a name here, and by any other in Consensus.Kafka.Brokers of each orderer")

func checkNewBroker(address string) error {
	host, err := splitBroker(address)
	switch {
	case err != nil:
		return err
	case !acceptedBy25(address):
		return errNotAcceptedBy25
	case len(host) > maxHost:
		return fmt.Errorf("the host has %d characters, at most %d are allowed", len(host), maxHost)
	}
	return nil
}

// maxHost is the length of the longest name in the DNS.
const maxHost = 253

var hostOf25 = regexp.MustCompile(`^([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9.-]*[a-zA-Z0-9])?$`)

// acceptedBy25 reports whether a broker's address is one that Fabric 2.5 accepts in a channel config.
// Its orderers and peers crash on a block with any other, again at each start (validateKafkaBrokers in its
// common/channelconfig/orderer.go).
func acceptedBy25(address string) bool {
	host, port, found := strings.Cut(address, ":")
	_, err := strconv.ParseUint(port, 10, 16)
	return found && err == nil && hostOf25.MatchString(host)
}

// Check reports what is wrong with an address in an orderer's own list; nil if nothing is. Such a list
// may have names that a channel config may not: with underscores, or IPv6 literals.
func Check(address string) error {
	host, err := splitBroker(address)
	if err != nil {
		return err
	}
	if i := strings.IndexFunc(host, notInHost); i >= 0 {
		return fmt.Errorf("the host has %q in it", host[i:i+1])
	}
	return nil
}

func notInHost(r rune) bool {
	return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune(`/\,;"'@`, r)
}

// splitBroker returns the host of a broker's address, which must be host:port.
func splitBroker(address string) (host string, err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", errors.New("want host:port")
	}
	if host == "" {
		return "", errors.New("the host is missing")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' {
		return "", fmt.Errorf("port %q is not between 1 and 65535", port)
	}
	return host, nil
}
