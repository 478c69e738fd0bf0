package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/golang/protobuf/proto"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/client"
)

// object is a JSON object.
type object map[string]any

// child returns the object at a path below this one.
func (o object) child(path ...string) object {
	for _, name := range path {
		o = o[name].(map[string]any)
	}
	return o
}

// edit changes the config of a channel as administrators do, with Fabric's configtxlator, given the group of the channel as JSON.
// The administrators of all organizations sign it. It returns when the first orderer has the config.
func (w *world) edit(ctx context.Context, channel string, change func(group object)) {
	GinkgoHelper()
	dir := GinkgoT().TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	block, err := w.reader.ConfigBlock(ctx, "orderer1", channel)
	Expect(err).NotTo(HaveOccurred())
	raw, err := proto.Marshal(block)
	Expect(err).NotTo(HaveOccurred())
	Expect(os.WriteFile(file("block"), raw, 0o600)).To(Succeed())
	text := w.decode(ctx, file("block"))
	w.configtxlator(ctx, "proto_encode", "--type", "common.Block", "--input", file("block.json"), "--output", file("again"))
	Expect(w.decode(ctx, file("again"))).To(MatchJSON(text), "configtxlator loses something of the block")
	whole := object{}
	Expect(json.Unmarshal([]byte(text), &whole)).To(Succeed())
	config := object(whole.child("data")["data"].([]any)[0].(map[string]any)).child("payload", "data", "config")
	w.encode(ctx, config, file("original"))
	change(config.child("channel_group"))
	w.encode(ctx, config, file("updated"))
	w.configtxlator(ctx, "compute_update", "--channel_id", channel, "--original", file("original"), "--updated", file("updated"), "--output", file("update"))
	update, err := os.ReadFile(file("update"))
	Expect(err).NotTo(HaveOccurred())

	before := w.config(ctx, "orderer1", channel).Sequence
	signed, err := client.SignedUpdate(channel, update, w.admin, w.peerAdmin(1), w.peerAdmin(2))
	Expect(err).NotTo(HaveOccurred())
	Expect(w.submit(ctx, "orderer1", signed)).To(Succeed())
	Eventually(ctx, func() uint64 { return w.config(ctx, "orderer1", channel).Sequence }).Should(BeNumerically(">", before))
}

// decode writes a block as JSON beside it, and returns the JSON.
func (w *world) decode(ctx context.Context, block string) string {
	GinkgoHelper()
	w.configtxlator(ctx, "proto_decode", "--type", "common.Block", "--input", block, "--output", block+".json")
	text, err := os.ReadFile(block + ".json")
	Expect(err).NotTo(HaveOccurred())
	return string(text)
}

// encode writes a config, given as JSON, as Fabric encodes it.
func (w *world) encode(ctx context.Context, config object, to string) {
	GinkgoHelper()
	text, err := json.Marshal(config)
	Expect(err).NotTo(HaveOccurred())
	Expect(os.WriteFile(to+".json", text, 0o600)).To(Succeed())
	w.configtxlator(ctx, "proto_encode", "--type", "common.Config", "--input", to+".json", "--output", to)
}

func (w *world) configtxlator(ctx context.Context, args ...string) {
	GinkgoHelper()
	code, out := exits(ctx, w.Dir(), w.Bin("configtxlator"), args...)
	Expect(code).To(BeZero(), out)
}

// peerAdmin returns the administrator of a peer organization.
func (w *world) peerAdmin(org int) *client.Identity {
	GinkgoHelper()
	domain := fmt.Sprintf("org%d.example.com", org)
	msp := filepath.Join(w.Dir(), "crypto", "peerOrganizations", domain, "users", "Admin@"+domain, "msp")
	who, err := client.LoadIdentity(fmt.Sprintf("Org%dMSP", org), filepath.Join(msp, "signcerts", "Admin@"+domain+"-cert.pem"), filepath.Join(msp, "keystore", "priv_sk"))
	Expect(err).NotTo(HaveOccurred())
	return who
}
