package verdict

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/machine"
)

var (
	fabricTrees = flag.String("fabric-trees", "", "source trees of the Fabric releases whose verdicts are compared, separated by colons")
	mutants     = flag.Int("mutants", 60, "how many mutants of each kind each channel of the corpus has")
	corpusFile  = flag.String("corpus", "", "judge this corpus, and run no test")
	judgedFile  = flag.String("judged", "", "where the verdicts on the corpus are written")
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *corpusFile == "" {
		os.Exit(m.Run())
	}
	c, err := readCorpus(*corpusFile)
	if err == nil {
		err = judge(c).write(*judgedFile)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// Builds on all lines make the same blocks from the same records, or those that know less stop. make lines sets
// -fabric-trees; without it, this build alone judges fewer records.
func TestLinesReachTheSameVerdicts(t *testing.T) {
	trees := filepath.SplitList(*fabricTrees)
	if len(trees) == 0 {
		expect(t, smallCorpus(t), 50)
		return
	}
	c, file := newCorpus(t, *mutants), keptIfFailed(t, "corpus")
	c.write(t, file)
	all := []*judged{expect(t, c, 1000)}
	for _, tree := range trees {
		all = append(all, judgedBy(t, compiled(t, tree), file))
	}
	for _, j := range all {
		t.Logf("%d records, %s: %s", len(c.Questions), j.Line, j.tally())
	}
	differences := compare(c, all)
	for _, d := range differences[:min(len(differences), 40)] {
		t.Error(d)
	}
	if len(differences) > 40 {
		t.Errorf("and %d more", len(differences)-40)
	}
}

// keptIfFailed returns the name of a file that is kept if the test fails.
func keptIfFailed(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "verdicts")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, name)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the records are in %s", file)
		} else if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return file
}

// expect judges a corpus, and checks that there are at least this many verdicts of each kind.
func expect(t *testing.T, c *corpus, each int) *judged {
	t.Helper()
	j := judge(c)
	if n := j.tally(); min(n.passed, n.refused, n.stopped) < each {
		t.Errorf("the results are %s; want %d of each", n, each)
	}
	return j
}

// compiled compiles this test against a tree, and returns the program.
func compiled(t *testing.T, tree string) string {
	t.Helper()
	root := filepath.Join("..", "..")
	flags, err := command(root, "go", "run", "./plugin/builder", "flags", "--fabric", tree)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "judge")
	args := slices.Concat([]string{"test", "-c", "-o", program}, strings.Fields(flags), []string{"./chain/verdict"})
	if _, err := command(root, "go", args...); err != nil {
		t.Fatal(err)
	}
	return program
}

// judgedBy gives a corpus to the program of a build.
func judgedBy(t *testing.T, program, corpus string) *judged {
	t.Helper()
	file := filepath.Join(t.TempDir(), "judged")
	if _, err := command("", program, "-corpus", corpus, "-judged", file); err != nil {
		t.Fatal(err)
	}
	j, err := readJudged(file)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func command(dir, name string, args ...string) (string, error) {
	c := exec.Command(name, args...)
	var out, failed bytes.Buffer
	c.Dir, c.Stdout, c.Stderr = dir, &out, &failed
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", c, err, failed.Bytes())
	}
	return out.String(), nil
}

// compare returns where two builds that do not stop have different results for one record or envelope.
func compare(c *corpus, all []*judged) (differences []string) {
	for i, q := range c.Questions {
		asked := map[string]answered{}
		for _, j := range all {
			maps.Copy(asked, j.Answers[i])
		}
		for _, what := range slices.Sorted(maps.Keys(asked)) {
			said := map[string]string{} // by result
			for _, j := range all {
				a, ok := j.Answers[i][what]
				if ok && !a.Stops {
					said[a.Result] = cmp.Or(said[a.Result], fmt.Sprintf("%s: %s (%s)", j.Line, a.Result, a.Says))
				}
			}
			if len(said) > 1 {
				differences = append(differences, fmt.Sprintf("%s, %s on channel %q: %s", q.Name, what, c.Channels[q.Channel].Name,
					strings.Join(slices.Sorted(maps.Values(said)), " | ")))
			}
		}
	}
	return differences
}

// Different results are a difference, unless one of the two builds stops or does not have the channel.
func TestDifferencesAreFound(t *testing.T) {
	c := &corpus{Channels: []given{{Name: "C"}}, Questions: []question{{Name: "Q"}}}
	with := func(line string, a answered) *judged {
		return &judged{Line: line, Answers: []map[string]answered{{"strict": a}}}
	}
	passed, refused, stopped := answered{Result: "block"}, answered{Result: "skipped", Says: "why"}, answered{Stops: true, Result: "skipped"}
	absent := &judged{Line: "absent", Answers: []map[string]answered{nil}}
	for _, x := range []struct {
		builds []*judged
		want   string
	}{
		{[]*judged{with("a", passed), with("b", passed), with("c", stopped)}, ""},
		{[]*judged{absent, with("a", passed), with("b", stopped)}, ""},
		{[]*judged{with("a", stopped), with("b", passed), with("c", refused)}, `Q, strict on channel "C": b: block () | c: skipped (why)`},
		{[]*judged{absent, with("b", passed), with("c", refused)}, `Q, strict on channel "C": b: block () | c: skipped (why)`},
		{[]*judged{with("a", passed), with("b", answered{Result: "another block"})}, `Q, strict on channel "C": a: block () | b: another block ()`},
	} {
		if got := strings.Join(compare(c, x.builds), "\n"); got != x.want {
			t.Errorf("got %q, want %q", got, x.want)
		}
	}
}

// tally counts the results of the records and checks.
func (j *judged) tally() (n tally) {
	for _, answers := range j.Answers {
		for _, a := range answers {
			n.add(machineVerdict(a))
		}
	}
	return n
}

func machineVerdict(a answered) machine.Verdict {
	v := machine.Verdict{}
	switch {
	case a.Stops:
		v.Stop = "stops"
	case a.Result == "refused", strings.Contains(a.Result, "skipped"):
		v.Refusal = "refused"
	}
	return v
}

func (n tally) String() string {
	return fmt.Sprintf("%d passed, %d refused, %d stopped", n.passed, n.refused, n.stopped)
}
