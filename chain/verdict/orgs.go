package verdict

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hyperledger/fabric/common/channelconfig"
	"github.com/hyperledger/fabric/msp"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// orgs refuses organizations that orderers and peers of Fabric 2.5 crash on, and what the draft of V3_0 in main of
// April 2023 accepts and Fabric 3.0 does not.
func (r commonRules) orgs(now, next *fabric.Config) error {
	before, after := now.GetChannelGroup(), next.GetChannelGroup()
	_, v3 := capabilitiesOf(after)[capabilityV3]
	if v3 && brings(before, after, channelconfig.OrdererAddressesKey) && len(addressesOf(after, channelconfig.OrdererAddressesKey)) > 0 {
		return errors.New("capability V3_0 allows no global orderer addresses (/Channel/OrdererAddresses): name them as endpoints of the orderer organizations")
	}
	return eachOrg(now, next, func(kind string, was, is *fabric.ConfigGroup) error { return r.org(kind, v3, was, is) })
}

// eachOrg calls check with the organizations of a config, as they are in the config in
// force and in the next; nil if it has none of that name.
func eachOrg(now, next *fabric.Config, check func(kind string, now, next *fabric.ConfigGroup) error) error {
	for _, kind := range []string{channelconfig.OrdererGroupKey, channelconfig.ApplicationGroupKey} {
		was, is := now.GetChannelGroup().GetGroups()[kind].GetGroups(), next.GetChannelGroup().GetGroups()[kind].GetGroups()
		for _, name := range slices.Sorted(maps.Keys(is)) {
			if err := check(kind, was[name], is[name]); err != nil {
				return fmt.Errorf("organization %s: %w", name, err)
			}
		}
	}
	return nil
}

func (r commonRules) org(kind string, v3 bool, now, next *fabric.ConfigGroup) error {
	if v3 && kind == channelconfig.OrdererGroupKey && len(addressesOf(next, channelconfig.EndpointsKey)) == 0 &&
		(now == nil || len(addressesOf(now, channelconfig.EndpointsKey)) > 0) {
		return errors.New("capability V3_0 takes no orderer organization without endpoints: name at least one")
	}
	if !brings(now, next, channelconfig.MSPKey) {
		return nil
	}
	config := &fabric.MSPConfig{}
	if err := fabric.Unmarshal(next.Values[channelconfig.MSPKey].GetValue(), config); err != nil {
		return fmt.Errorf("decode its MSP: %w", err)
	}
	if msp.ProviderType(config.Type) == msp.IDEMIX && v3 {
		return errors.New("capability V3_0 takes no MSP of type idemix")
	}
	if msp.ProviderType(config.Type) != msp.FABRIC {
		return nil
	}
	inner := &fabric.FabricMSPConfig{}
	if err := fabric.Unmarshal(config.Config, inner); err != nil {
		return fmt.Errorf("decode its MSP: %w", err)
	}
	return r.keys(fabricMSP(now), inner, v3)
}

// fabricMSP decodes the MSP of an organization; an empty one if it does not decode.
func fabricMSP(group *fabric.ConfigGroup) *fabric.FabricMSPConfig {
	outer, inner := &fabric.MSPConfig{}, &fabric.FabricMSPConfig{}
	if err := fabric.Unmarshal(group.GetValues()[channelconfig.MSPKey].GetValue(), outer); err != nil || msp.ProviderType(outer.Type) != msp.FABRIC {
		return inner
	}
	if err := fabric.Unmarshal(outer.Config, inner); err != nil {
		return &fabric.FabricMSPConfig{}
	}
	return inner
}

// keys refuses certificates with keys that only some lines accept: Ed25519 came with V3_0. For RSA keys of
// administrators see administrators. A certificate that is already in force in the same list does no further harm.
func (r commonRules) keys(now, next *fabric.FabricMSPConfig, v3 bool) error {
	for _, list := range []struct {
		of            string
		before, certs [][]byte
	}{
		{"root certificate", now.RootCerts, next.RootCerts},
		{"intermediate certificate", now.IntermediateCerts, next.IntermediateCerts},
		{"administrator's certificate", now.Admins, next.Admins},
	} {
		kinds := newKeys(list.before, list.certs)
		for _, i := range slices.Sorted(maps.Keys(kinds)) {
			switch kind := kinds[i]; {
			case kind == x509.ECDSA, kind == x509.RSA:
			case kind == x509.UnknownPublicKeyAlgorithm:
				return requiresNewer("%s %d with a key of its kind", list.of, i)
			case kind == x509.Ed25519 && v3 && r.knows(channelconfig.ChannelGroupKey, capabilityV3):
			case kind == x509.Ed25519 && v3:
				return requiresRelease(releaseOf(capabilityV3), "%s %d with a key of kind %s by %s", list.of, i, kind, capabilityV3)
			default:
				return refusedKey(list.of, i, kind)
			}
		}
	}
	return nil
}

func refusedKey(of string, i int, kind x509.PublicKeyAlgorithm) error {
	return fmt.Errorf("%s %d has a key of kind %s, which orderers and peers of some Fabric releases crash on: use ECDSA", of, i, kind)
}

// newKeys returns the kinds of the keys of those certificates of a list that are not in
// the list before, by their place. One that does not parse is left out: every build refuses it.
func newKeys(before, list [][]byte) map[int]x509.PublicKeyAlgorithm {
	held, kinds := map[string]bool{}, map[int]x509.PublicKeyAlgorithm{}
	for _, text := range before {
		held[string(text)] = true
	}
	for i, text := range list {
		if held[string(text)] {
			continue
		}
		if kind, ok := keyOf(text); ok {
			kinds[i] = kind
		}
	}
	return kinds
}

// administrators refuses new ones with an RSA key, which Fabric 3 does not accept.
func administrators(now, next *fabric.Config) error {
	return eachAdministrator(now, next, func(i int, kind x509.PublicKeyAlgorithm) error {
		if kind == x509.RSA {
			return refusedKey("administrator's certificate", i, kind)
		}
		return nil
	})
}

// readable checks configs that are in a block, or will be by the compatible rules: if orderers of Fabric 2.5 have
// accepted an administrator with an RSA key, a build on Fabric 3 cannot read the config.
func (r commonRules) readable(now, next *fabric.Config) error {
	if !r.knows(channelconfig.ChannelGroupKey, capabilityV3) {
		return nil
	}
	return eachAdministrator(now, next, func(i int, kind x509.PublicKeyAlgorithm) error {
		if kind == x509.RSA {
			return requiresRelease("only releases before Fabric 3.0 accept it", "administrator's certificate %d with a key of kind %s", i, kind)
		}
		return nil
	})
}

func eachAdministrator(now, next *fabric.Config, check func(i int, kind x509.PublicKeyAlgorithm) error) error {
	return eachOrg(now, next, func(_ string, was, is *fabric.ConfigGroup) error {
		if !brings(was, is, channelconfig.MSPKey) {
			return nil
		}
		kinds := newKeys(fabricMSP(was).Admins, fabricMSP(is).Admins)
		for _, i := range slices.Sorted(maps.Keys(kinds)) {
			if err := check(i, kinds[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// keyOf returns the kind of a certificate's key, and false if the certificate does
// not parse, which every build refuses.
func keyOf(text []byte) (x509.PublicKeyAlgorithm, bool) {
	block, _ := pem.Decode(text)
	if block == nil {
		return x509.UnknownPublicKeyAlgorithm, false
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return x509.UnknownPublicKeyAlgorithm, false
	}
	return cert.PublicKeyAlgorithm, true
}

// brings reports whether an update adds a value to a group or replaces it.
func brings(now, next *fabric.ConfigGroup, key string) bool {
	v, ok := next.GetValues()[key]
	return ok && !fabric.Equal(now.GetValues()[key], v)
}

// addressesOf decodes a list of addresses; none if it does not decode.
func addressesOf(group *fabric.ConfigGroup, key string) []string {
	list := &fabric.OrdererAddresses{}
	if err := fabric.Unmarshal(group.GetValues()[key].GetValue(), list); err != nil {
		return nil
	}
	return list.Addresses
}

// OrdererAddresses returns the addresses of orderers that a config names, each once.
func OrdererAddresses(config *fabric.Config) []string {
	group := config.GetChannelGroup()
	all := addressesOf(group, channelconfig.OrdererAddressesKey)
	for _, org := range ordererGroup(config).GetGroups() {
		all = append(all, addressesOf(org, channelconfig.EndpointsKey)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
