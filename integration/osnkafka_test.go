package integration_test

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/fabricnet"
)

// osnkafka runs the operator's tool outside the network's folder and returns its exit code and output.
func (w *world) osnkafka(ctx context.Context, args ...string) (int, string) {
	return exits(ctx, GinkgoT().TempDir(), w.Bin("osnkafka"), args...)
}

// exits runs a command in a folder and returns its exit code and output.
func exits(ctx context.Context, dir, name string, args ...string) (int, string) {
	GinkgoHelper()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	GinkgoWriter.Printf("%s %s: %s\n", filepath.Base(name), strings.Join(args, " "), out)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		Expect(err).NotTo(HaveOccurred())
	}
	return c.ProcessState.ExitCode(), string(out)
}

// adminMSP returns the MSP folder of the orderer organization's administrator.
func (w *world) adminMSP() string {
	return filepath.Join(w.Dir(), filepath.Dir(filepath.Dir(w.Descriptor().Admin.Cert)))
}

// deliverFlags returns the flags with which osnkafka reads the blocks of all orderers.
func (w *world) deliverFlags() (flags []string) {
	d := w.Descriptor()
	for _, o := range d.Orderers {
		flags = append(flags, "--orderer", o.Address)
	}
	return append(flags, "--cafile", filepath.Join(w.Dir(), d.Orderers[0].TLSCA), "--mspdir", w.adminMSP(), "--mspid", d.Admin.MSPID)
}

var _ = Describe("osnkafka", func() {
	It("checks, prunes and upgrades a running channel, given only addresses", func(ctx SpecContext) {
		w := raise(ctx, fabricnet.Options{Orderers: 2, Peers: -1, Compatible: []string{"mychannel"}, Settings: []string{"CHECKINTERVAL=1s"}})
		w.load(ctx, "mychannel", 2*time.Second).sound(ctx)
		w.equal(ctx, "mychannel")
		succeeds := func(output, name string, flags ...string) {
			GinkgoHelper()
			code, out := w.osnkafka(ctx, append([]string{name, "mychannel"}, flags...)...)
			Expect(code).To(Equal(command.ExitFine), out)
			Expect(out).To(ContainSubstring(output))
		}
		brokers := []string{"--brokers", strings.Join(w.Descriptor().Brokers, ",")}
		read := w.deliverFlags()

		code, out := w.osnkafka(ctx, append([]string{"preflight", "mychannel", "--json"}, brokers...)...)
		Expect(code).To(BeNumerically("<=", command.ExitRefused), "a single broker is a finding")
		Expect(out).To(ContainSubstring(`"setting": "min.insync.replicas"`))
		succeeds("blocks are equal on", "verify", read...)
		succeeds("description", "topic", read...) // at the brokers of the channel's config
		succeeds("there is nothing to do", "repin", append(read, brokers...)...)

		By("upgrading the rules")
		succeeds("described as strict", "upgrade-rules", read...)
		Eventually(ctx, func(g Gomega) {
			g.Expect(w.orders(ctx, "orderer1", "mychannel")).To(Succeed())
			g.Expect(w.rules(ctx, "orderer1")()).To(Equal(record.RuleSet_RULE_SET_STRICT))
		}).Should(Succeed())
		code, out = w.osnkafka(ctx, append([]string{"upgrade-rules", "mychannel"}, read...)...)
		Expect(code).To(Equal(command.ExitRefused), out)

		By("pruning by published progress and by blocks")
		prune := append(append([]string{"prune", "mychannel", "--keep", "1"}, brokers...), read...)
		for _, o := range w.Descriptor().Orderers {
			prune = append(prune, "--member", o.MSPID+"."+o.Name+".example.com="+o.Address)
		}
		Eventually(ctx, func() string { _, out := w.osnkafka(ctx, prune...); return out }).Should(ContainSubstring("are deleted"))
		succeeds("1 of 1 pairs of orderers compared, 0 contradict each other", "progress", brokers...)
		Expect(w.orders(ctx, "orderer2", "mychannel")).To(Succeed())
		w.equal(ctx, "mychannel")

		By("stopping an orderer")
		Expect(w.Stop("orderer2")).To(Succeed())
		code, out = w.osnkafka(ctx, append([]string{"verify", "mychannel"}, read...)...)
		Expect(code).To(Equal(command.ExitUnreachable), out)
	}, SpecTimeout(3*time.Minute))
})
