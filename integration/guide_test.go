package integration_test

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/fabricnet"
)

// guideFiles are the guides, and what is put before the steps of each.
var guideFiles = []struct{ name, prefix string }{{"../plugin/TAKEOVER.md", ""}, {"../plugin/ROAD.md", "road "}}

// guided is a command of a guide, by its step and its first words.
type guided string

const (
	buildOurs  guided = "1. go run ./plugin/builder"
	carryOver  guided = "2. bin/osnkafka translate"
	survey     guided = "2. bin/osnkafka preflight"
	compare    guided = "3. bin/osnkafka verify"
	upgrade    guided = "4. bin/osnkafka upgrade-rules"
	removeOld  guided = "5. bin/osnkafka remove-system-channel"
	buildNewer guided = "6. go run ./plugin/builder"
	carryNewer guided = "6. bin31/osnkafka translate"
	changeType guided = "road 2. bin/osnkafka change-type"
	snapshot   guided = "road 4. peer snapshot"
	leaveKafka guided = "road 5. bin/osnkafka leave"
)

// guide is the order of the commands of both guides, all of which the specs of takeover_test.go run as they are written.
var guide = []guided{buildOurs, carryOver, survey, compare, upgrade, removeOld, buildNewer, carryNewer, changeType, snapshot, leaveKafka}

// placeholders are the words of commands that stand for something of the operator's network.
var placeholders = map[string]func(*operator) string{
	"CHANNEL":          func(o *operator) string { return o.channel },
	"TREE-OF-2.5":      func(*operator) string { return line25.tree() },
	"TREE-OF-3.1":      func(*operator) string { return line31.tree() },
	"OLD-ORDERER.YAML": func(*operator) string { return filepath.Join(line25.tree(), "sampleconfig", "orderer.yaml") },
	"ORDERER1:7050":    func(o *operator) string { return o.describe(o.orderer).Address },
	"ORDERER2:7050":    func(o *operator) string { return o.describe(otherThan(o.orderer)).Address },
	"ORDERER3:7050":    func(o *operator) string { return o.describe("orderer3").Address },
	"ADMIN":            func(o *operator) string { return o.adminMSP() },
	"ADMIN-MSPID":      func(o *operator) string { return o.Descriptor().Admin.MSPID },
	"CONSENTERS":       func(o *operator) string { return o.consenters },
	"PEER1:7051":       func(o *operator) string { return o.Descriptor().Peers[0].Address },
	"PEER-TLS-CA":      func(o *operator) string { return filepath.Join(o.Dir(), o.Descriptor().Peers[0].TLSCA) },
	"TLS-CA":           func(o *operator) string { return filepath.Join(o.Dir(), o.describe(o.orderer).TLSCA) },
	"MSP":              func(o *operator) string { return o.adminMSP() },
	"MSPID":            func(o *operator) string { return o.Descriptor().Admin.MSPID },
	"LEDGER":           func(o *operator) string { return filepath.Join(o.Dir(), o.describe(o.orderer).Dir, "ledger") },
}

var (
	guideStep    = regexp.MustCompile(`^## ([0-9]+\. )`)
	guideCommand = regexp.MustCompile(`^ {4,}(\S.*)$`)
	upperCase    = regexp.MustCompile(`^[A-Z][A-Z0-9.:-]+$`)
)

// forShells matches the characters that a shell interprets.
const forShells = "\"'`$|&;<>()*?\\~#"

// readGuides returns the commands of both guides.
func readGuides() (all []string, err error) {
	for _, g := range guideFiles {
		text, err := os.ReadFile(g.name)
		if err != nil {
			return nil, err
		}
		for _, c := range commandsOf(string(text)) {
			all = append(all, g.prefix+c)
		}
	}
	return all, nil
}

// commandsOf returns the commands of a guide, the lines of its indented blocks, each after the number of its step.
func commandsOf(markdown string) (all []string) {
	step := ""
	for line := range strings.Lines(markdown) {
		if m := guideStep.FindStringSubmatch(line); m != nil {
			step = m[1]
		}
		if m := guideCommand.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			all = append(all, step+m[1])
		}
	}
	return all
}

func TestSpecsRunEachCommandOfTheGuides(t *testing.T) {
	commands, err := readGuides()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for i, c := range commands {
		if i >= len(guide) || !strings.HasPrefix(c, string(guide[i])+" ") {
			t.Errorf("the guides have the command %q where guide_test.go has %q", c, guide[min(i, len(guide)):])
		}
		if strings.ContainsAny(c, forShells) {
			t.Errorf("%q needs a shell, and the specs run it without one", c)
		}
		for _, word := range strings.Fields(c) {
			if upperCase.MatchString(word) {
				used[word] = true
			}
		}
	}
	if len(commands) < len(guide) {
		t.Errorf("the guides have no command %q", guide[len(commands):])
	}
	if got, want := slices.Sorted(maps.Keys(used)), slices.Sorted(maps.Keys(placeholders)); !slices.Equal(got, want) {
		t.Errorf("the guides have the placeholders %q, and guide_test.go %q", got, want)
	}
}

// operator follows the guide on a network.
type operator struct {
	*world
	channel  string
	commands []string // of the guides
	checkout string   // of this project, where they run
	orderer  string   // the one that they are about
	done     map[guided]bool

	consenters string // file of the consenters of Raft
}

// newOperator returns an operator with a checkout of this project, in a folder next to the network's.
func newOperator(w *world, channel string) *operator {
	GinkgoHelper()
	commands, err := readGuides()
	Expect(err).NotTo(HaveOccurred())
	o := &operator{world: w, channel: channel, commands: commands, orderer: "orderer1", done: map[guided]bool{}}
	o.checkout = filepath.Join(filepath.Dir(w.Dir()), "checkout")
	Expect(os.Mkdir(o.checkout, 0o755)).To(Succeed())
	sources, err := filepath.Glob("../[^.]*")
	Expect(err).NotTo(HaveOccurred())
	copying, err := exec.Command("cp", slices.Concat([]string{"-R"}, sources, []string{o.checkout})...).CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), "%s", copying)
	return o
}

// follows runs a command of the guide as it is written there, and returns its exit code and output.
func (o *operator) follows(ctx context.Context, g guided) (int, string) {
	GinkgoHelper()
	i := slices.IndexFunc(o.commands, func(c string) bool { return strings.HasPrefix(c, string(g)+" ") })
	Expect(i).NotTo(Equal(-1), "the guide has no command %q", g)
	words := strings.Fields(strings.TrimPrefix(o.commands[i], string(g)[:strings.Index(string(g), ". ")+2]))
	for i, word := range words {
		if value, ok := placeholders[word]; ok {
			words[i] = value(o)
		}
	}
	o.done[g] = true
	if words[0] == "peer" {
		out, err := o.Peer(ctx, 1, words[1:]...)
		Expect(err).NotTo(HaveOccurred())
		return 0, out
	}
	return exits(ctx, o.checkout, words[0], words[1:]...)
}

// succeeds runs a command of the guide, which must print these words and exit with 0.
func (o *operator) succeeds(ctx context.Context, g guided, says string) {
	GinkgoHelper()
	code, out := o.follows(ctx, g)
	Expect(code).To(BeZero(), out)
	Expect(out).To(ContainSubstring(says))
}

// describe returns what the network knows of an orderer.
func (o *operator) describe(name string) fabricnet.Orderer {
	GinkgoHelper()
	described, err := o.Orderer(name)
	Expect(err).NotTo(HaveOccurred())
	return described
}

// exchange stops an orderer, gives it a binary and orderer.yaml of the checkout, starts it, and compares its
// blocks with another's once it has them.
func (o *operator) exchange(ctx context.Context, bin string, orderers ...string) {
	GinkgoHelper()
	for _, o.orderer = range orderers {
		By("replacing " + o.orderer)
		Expect(o.SetBin(o.orderer, filepath.Join(o.checkout, bin))).To(Succeed())
		text, err := os.ReadFile(filepath.Join(o.checkout, "orderer.yaml"))
		Expect(err).NotTo(HaveOccurred())
		Expect(os.WriteFile(filepath.Join(o.Dir(), "config", o.orderer, "orderer.yaml"), text, 0o600)).To(Succeed())
		Expect(o.Stop(o.orderer)).To(Succeed())
		Expect(o.Start(ctx, o.orderer)).To(Succeed())
		o.level(ctx, o.orderer, o.channel)
		o.succeeds(ctx, compare, "blocks are equal on")
	}
}

// left returns the commands of the guide that have not been run.
func (o *operator) left() []guided {
	return slices.DeleteFunc(slices.Clone(guide), func(g guided) bool { return o.done[g] })
}

// renewPeers replaces the first peer in place, and the second one by a new peer that joins by a snapshot of the first.
func (o *operator) renewPeers(ctx context.Context, bin string) {
	GinkgoHelper()
	Expect(o.Replace(ctx, "peer1", bin)).To(Succeed())
	Expect(o.Invoke(ctx, o.channel, "put", "k", "v4")).To(Succeed())
	_, _ = o.follows(ctx, snapshot)
	o.rejoins(ctx, 2, bin, o.channel, "joinbysnapshot", "--snapshotpath", o.snapshot(ctx, 1, o.channel))
}

// leavesAsWritten gives the channel to Raft by the command of the guide, and restarts the orderers when it says so.
func (o *operator) leavesAsWritten(ctx context.Context) {
	GinkgoHelper()
	o.orderer, o.consenters = "orderer1", o.ownConsenters()
	ended := make(chan string, 1)
	go func() {
		defer GinkgoRecover()
		code, out := o.follows(ctx, leaveKafka)
		Expect(code).To(BeZero(), out)
		ended <- out
	}()
	for _, name := range o.Descriptor().Running() {
		Eventually(ctx, o.status(ctx, name, o.channel)).WithTimeout(2 * time.Minute).Should(Equal("consenter inactive"))
	}
	for _, name := range o.Descriptor().Running() {
		Expect(o.Stop(name)).To(Succeed())
		Expect(o.Start(ctx, name)).To(Succeed())
	}
	Eventually(ctx, ended).WithTimeout(2 * time.Minute).Should(Receive(ContainSubstring("is ordered by Raft")))
	Expect(o.Invoke(ctx, o.channel, "put", "k", "by Raft")).To(Succeed())
	Eventually(ctx, func() (string, error) { return o.Query(ctx, 1, o.channel, "get", "k") }).Should(ContainSubstring("by Raft"))
	o.equal(ctx, o.channel)
}
