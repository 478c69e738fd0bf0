package integration_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/fabricnet"
)

// optionSymbols are functions that a program has only if it is built with the option.
var optionSymbols = map[string]string{
	"--memo-verify": "msp.verificationOf",
	"--memo-expiry": "crypto.expiresAt",
	"--lean-ledger": "blkstorage.sizeOf",
}

var _ = Describe("orderers with the options of the builder", func() {
	It("order a channel of Kafka and one of Raft alongside an orderer without them", func(ctx SpecContext) {
		w := raise(ctx, fabricnet.Options{Channels: []string{"mychannel"}, Raft: []string{"raft"}})
		changed := w.withOptions(ctx)
		for _, name := range []string{"orderer2", "orderer3"} {
			Expect(w.Replace(ctx, name, changed)).To(Succeed())
		}
		for channel, through := range map[string][]string{
			"mychannel": {"orderer1", "orderer2", "orderer3"},
			"raft":      {"orderer1", "orderer2"}, // a follower of Raft acknowledges what it has not sent to the leader yet: a kill loses it
		} {
			traffic := w.load(ctx, channel, 5*time.Second, through...)
			time.Sleep(2 * time.Second) // of traffic
			Expect(w.Kill("orderer3")).To(Succeed())
			Expect(w.Start(ctx, "orderer3")).To(Succeed())
			traffic.sound(ctx)
			w.equal(ctx, channel)
		}
		By("reading their ledgers by an orderer without options")
		Expect(w.Replace(ctx, "orderer3", w.Bin("."))).To(Succeed())
		w.catchesUp(ctx, "orderer3")
		w.equal(ctx, "mychannel")
		w.equal(ctx, "raft")
	}, SpecTimeout(8*time.Minute))
})

// withOptions compiles an orderer with all options of the builder, and returns its folder.
func (w *world) withOptions(ctx context.Context) string {
	GinkgoHelper()
	out, args := filepath.Join(filepath.Dir(w.Dir()), "options"), []string{"run", "./plugin/builder"}
	for o := range optionSymbols {
		args = append(args, o)
	}
	code, text := exits(ctx, "..", "go", append(args, "--out", out)...)
	Expect(code).To(BeZero(), text)
	code, version := exits(ctx, "..", filepath.Join(out, "orderer"), "version")
	Expect(code).To(BeZero(), version)
	Expect(version).To(ContainSubstring(", memo-verify, memo-expiry, lean-ledger"))
	return out
}

// Fabric as released, and with all options of the builder, give the same answers and write the same bytes.
func TestOptionsOfTheBuilderChangeNoAnswer(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles Fabric's ledger")
	}
	var options []string
	for o := range optionSymbols {
		options = append(options, o)
	}
	for _, tree := range append([]string{""}, filepath.SplitList(*trees)...) {
		t.Run("tree "+filepath.Base(tree), func(t *testing.T) {
			plain, _ := answers(t, tree)
			changed, program := answers(t, tree, options...)
			if lines := bytes.Count(plain, []byte("\n")); lines < 5400 {
				t.Errorf("there are only %d answers", lines)
			}
			if !bytes.Equal(plain, changed) {
				t.Error("the answers differ")
			}
			for o, symbol := range optionSymbols {
				if !bytes.Contains(program, []byte(symbol)) {
					t.Errorf("%s: the program has no %s", o, symbol)
				}
			}
		})
	}
}

// answers compiles the program answers against a tree, or the module if it is empty, and returns what it prints and the program.
func answers(t *testing.T, tree string, options ...string) (out, program []byte) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"run", "./plugin/builder", "flags"}, options...)
	if tree != "" {
		args = append(args, "--fabric", tree)
	}
	flags := strings.Fields(string(printed(t, root, "go", args...)))
	file := filepath.Join(t.TempDir(), "answers")
	printed(t, root, "go", append(append([]string{"build", "-o", file}, flags...), "./integration/answers")...)
	if program, err = os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	return printed(t, root, file), program
}

// printed runs a command and returns its standard output.
func printed(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	var failure bytes.Buffer
	c.Dir, c.Stderr = dir, &failure
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, failure.Bytes())
	}
	return out
}
