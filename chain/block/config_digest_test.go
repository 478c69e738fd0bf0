package block

import (
	"testing"

	cb "github.com/hyperledger/fabric-protos-go/common"
)

// Every field of a config is in its digest, and nothing else.
func TestConfigDigest(t *testing.T) {
	made := func(change func(*cb.Config)) string {
		group := func(name string) *cb.ConfigGroup {
			return &cb.ConfigGroup{
				Version: 1, ModPolicy: "Admins",
				Values:   map[string]*cb.ConfigValue{"a" + name: {Version: 2, Value: []byte("x"), ModPolicy: "Admins"}, "b" + name: {}},
				Policies: map[string]*cb.ConfigPolicy{"p" + name: {Version: 3, ModPolicy: "Admins", Policy: &cb.Policy{Type: 1, Value: []byte("y")}}},
			}
		}
		c := &cb.Config{Sequence: 4, ChannelGroup: group("")}
		c.ChannelGroup.Groups = map[string]*cb.ConfigGroup{"one": group("1"), "two": group("2")}
		change(c)
		return ConfigDigest(c)
	}
	same := made(func(*cb.Config) {})
	seen := map[string]int{same: -1}
	for i, change := range []func(c *cb.Config){
		func(c *cb.Config) { c.Sequence++ },
		func(c *cb.Config) { c.ChannelGroup.Version++ },
		func(c *cb.Config) { c.ChannelGroup.ModPolicy = "Writers" },
		func(c *cb.Config) { c.ChannelGroup.Groups["one"].Values["a1"].Version++ },
		func(c *cb.Config) { c.ChannelGroup.Groups["one"].Values["a1"].Value = nil },
		func(c *cb.Config) { c.ChannelGroup.Groups["one"].Values["a1"].ModPolicy = "" },
		func(c *cb.Config) { c.ChannelGroup.Groups["two"].Policies["p2"].Version++ },
		func(c *cb.Config) { c.ChannelGroup.Groups["two"].Policies["p2"].ModPolicy = "" },
		func(c *cb.Config) { c.ChannelGroup.Groups["two"].Policies["p2"].Policy.Type++ },
		func(c *cb.Config) { c.ChannelGroup.Groups["two"].Policies["p2"].Policy.Value = nil },
		func(c *cb.Config) { delete(c.ChannelGroup.Groups["two"].Values, "b2") },
		func(c *cb.Config) { delete(c.ChannelGroup.Groups, "two") },
		func(c *cb.Config) {
			c.ChannelGroup.Groups["one"].Groups = map[string]*cb.ConfigGroup{"two": c.ChannelGroup.Groups["two"]}
			delete(c.ChannelGroup.Groups, "two")
		},
	} {
		digest := made(change)
		if before, is := seen[digest]; is {
			t.Errorf("change %d leaves the digest of change %d", i, before)
		}
		seen[digest] = i
	}
	for range 20 { // maps have no order
		if made(func(*cb.Config) {}) != same {
			t.Fatal("one config has several digests")
		}
	}
	_ = ConfigDigest(nil) // of a config that could not be read
}
