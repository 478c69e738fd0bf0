package block

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"maps"
	"slices"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// ConfigDigest identifies a channel config, to compare the newest config block with what
// orderers publish. It covers every field, in an order of its own, since builds may
// serialize the same message differently.
func ConfigDigest(config *fabric.Config) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "config %d\n", config.GetSequence())
	digestGroup(sum, "", config.GetChannelGroup())
	return fmt.Sprintf("%x", sum.Sum(nil)[:8])
}

func digestGroup(sum hash.Hash, name string, group *fabric.ConfigGroup) {
	fmt.Fprintf(sum, "group %q %d %q\n", name, group.GetVersion(), group.GetModPolicy())
	for _, key := range slices.Sorted(maps.Keys(group.GetValues())) {
		v := group.Values[key]
		fmt.Fprintf(sum, "value %q %d %q %q\n", key, v.GetVersion(), v.GetModPolicy(), v.GetValue())
	}
	for _, key := range slices.Sorted(maps.Keys(group.GetPolicies())) {
		p := group.Policies[key]
		fmt.Fprintf(sum, "policy %q %d %q %d %q\n", key, p.GetVersion(), p.GetModPolicy(), p.GetPolicy().GetType(), p.GetPolicy().GetValue())
	}
	for _, key := range slices.Sorted(maps.Keys(group.GetGroups())) {
		digestGroup(sum, key, group.Groups[key])
	}
	fmt.Fprintln(sum, "end")
}
