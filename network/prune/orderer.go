package prune

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/fabric-kafka/orderer/consenter"
)

// Orderer is an orderer of a channel as an operator names it.
type Orderer struct {
	Name      string   // MSPID.NAME, the end of the name of its consumer group
	Addresses []string // its addresses in the channel's config; none: the one whose host is NAME
}

// ParseOrderer reads MSPID.NAME or MSPID.NAME=HOST:PORT,HOST:PORT.
func ParseOrderer(text string) (Orderer, error) {
	name, list, has := strings.Cut(text, "=")
	o := Orderer{Name: name}
	if has {
		o.Addresses = strings.Split(list, ",")
	}
	if !strings.Contains(strings.Trim(name, "."), ".") || slices.Contains(o.Addresses, "") {
		return Orderer{}, fmt.Errorf("member %q: want MSPID.NAME or MSPID.NAME=HOST:PORT,HOST:PORT", text)
	}
	return o, nil
}

// serves reports whether the orderer, of organization org, is the one at an address of the
// config. Without explicit addresses, that holds only if its name is the address's host,
// and no other address has this host.
func (c Channel) serves(o Orderer, org Org, address string) bool {
	if len(o.Addresses) > 0 {
		return slices.Contains(o.Addresses, address)
	}
	host := hostOf(address)
	same := func(a string) bool { return a != address && hostOf(a) == host }
	return host != "" && o.Name == prefixOf(org)+consenter.GroupWord(host) &&
		!slices.ContainsFunc(org.Addresses, same) && !slices.ContainsFunc(c.Addresses, same)
}

// hostOf returns the host of an address; empty if it has none.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return ""
	}
	return host
}

// prefixOf returns the prefix of the names of an organization's orderers.
func prefixOf(org Org) string { return consenter.GroupWord(org.MSPID) + "." }

// orgOf returns the organization of an orderer by its name. IDs may contain dots: the
// longest match wins.
func (c Channel) orgOf(name string) (found Org, ok bool) {
	for _, org := range c.Orgs {
		if strings.HasPrefix(name, prefixOf(org)) && (!ok || len(org.MSPID) > len(found.MSPID)) {
			found, ok = org, true
		}
	}
	return found, ok
}

// accounted returns why the named orderers cannot be all orderers of the config.
func (c Channel) accounted(orderers []Orderer) (faults []error) {
	in := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	of := map[string][]Orderer{} // by MSP id
	for _, o := range orderers {
		org, ok := c.orgOf(o.Name)
		if !ok {
			in("orderer %s is of no orderer organization of the channel config, which has %s: correct the name, "+
				"or name it with --without instead if it is gone", o.Name, strings.Join(c.ids(), ", "))
		}
		of[org.MSPID] = append(of[org.MSPID], o)
		for _, a := range o.Addresses {
			if !slices.Contains(org.Addresses, a) && !slices.Contains(c.Addresses, a) {
				in("orderer %s: the channel config has no address %q of its organization: correct it, or leave it out", o.Name, a)
			}
		}
	}
	words := map[string]string{}
	for _, org := range c.Orgs {
		if other := words[prefixOf(org)]; other != "" {
			in("organizations %q and %q cannot be distinguished by the consumer groups of their orderers", other, org.MSPID)
		}
		words[prefixOf(org)] = org.MSPID
		if len(of[org.MSPID]) == 0 {
			in("organization %s of the channel config has no orderer named: add each of its orderers, --member %sNAME", org.MSPID, prefixOf(org))
		}
		if len(org.Addresses)+len(c.Addresses) == 0 {
			in("organization %s has no address of an orderer in the channel config, so nothing shows which orderers it has: "+
				"add them by a config update (Endpoints of the organization)", org.MSPID)
		}
		for _, a := range org.Addresses {
			if !slices.ContainsFunc(of[org.MSPID], func(o Orderer) bool { return c.serves(o, org, a) }) {
				in("address %s of organization %s in the channel config belongs to no orderer named: name its orderer, --member %sNAME=%s; "+
					"if none serves there any more, remove the address by a config update", a, org.MSPID, prefixOf(org), a)
			}
		}
	}
	return append(faults, c.unclaimed(orderers)...)
}

// unclaimed returns a fault for each address without an organization that no orderer serves.
func (c Channel) unclaimed(orderers []Orderer) (faults []error) {
	for _, a := range c.Addresses {
		if slices.ContainsFunc(c.Orgs, func(org Org) bool { return slices.Contains(org.Addresses, a) }) {
			continue // it has to be one of that organization
		}
		served := slices.ContainsFunc(orderers, func(o Orderer) bool {
			org, ok := c.orgOf(o.Name)
			return ok && c.serves(o, org, a)
		})
		if !served {
			faults = append(faults, fmt.Errorf("address %s in the channel config belongs to no orderer named: name its orderer, --member MSPID.NAME=%s; "+
				"if none serves there any more, remove the address by a config update", a, a))
		}
	}
	return faults
}

func (c Channel) ids() (all []string) {
	for _, org := range c.Orgs {
		all = append(all, org.MSPID)
	}
	return all
}
