package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

var (
	closedCase = Case{Kind: Closed, Orderers: 1, Block: 500}
	startCase  = Case{Kind: StartUp, Orderers: 1, Block: 500, Records: 1000}
	startCase2 = Case{Kind: StartUp, Orderers: 1, Block: 500, Records: 10_000}
)

func example() []line {
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	machine := Machine{Cores: 2, CPU: "Some CPU", Kernel: "Linux 6", Load: "0.10 0.20 0.30", Fsync: []float64{0.5, 2}, Time: at}
	lines := []line{{Settings: &Settings{Sides: []Side{ours, raft, raw}, Versions: map[string]string{"ours": "orderer 2.5"}, Rounds: 2, GOGC: 400, Machine: machine}}}
	result := func(c Case, side string, round int, values map[string]float64) {
		lines = append(lines, line{Result: &Result{Case: c, Side: side, Round: round, Values: values, Load: "1.50 1 1"}})
	}
	result(closedCase, "ours", 1, map[string]float64{committed: 6000, cpuOrderers: 194, ingress.key(): 140, memoryGrowth: 0})
	result(closedCase, "etcdraft", 1, map[string]float64{committed: 8000, cpuOrderers: 170})
	result(closedCase, "etcdraft", 2, map[string]float64{committed: 4000, cpuOrderers: 172})
	result(closedCase, "ours", 2, map[string]float64{committed: 3000, cpuOrderers: 196, ingress.key(): 142, memoryGrowth: 1})
	result(startCase, "ours", 1, map[string]float64{startUp: 1.5})
	result(startCase2, "ours", 1, map[string]float64{startUp: 1.6})
	lines = append(lines, line{Result: &Result{Case: closedCase, Side: "raw sarama", Round: 1, Failed: "connect:\nrefused | by all"}})
	return append(lines, line{End: &machine})
}

// write writes lines as a run does, and returns the file.
func write(t *testing.T, resume bool, file string, lines ...line) {
	r, err := openResults(file, resume)
	checktest.Must(t, err)
	for _, l := range lines {
		checktest.Must(t, r.add(l))
	}
	checktest.Must(t, r.close())
}

func TestReport(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, ResultsFile)
	write(t, false, file, example()...)
	run, err := Load(file)
	checktest.Must(t, err)
	checktest.Must(t, run.WriteReport(dir))
	text, err := os.ReadFile(filepath.Join(dir, ReportFile))
	checktest.Must(t, err)
	for _, want := range []string{
		"# Benchmark of orderers, 2026-11-30",
		"**The run has 2 rounds:**",
		"## closed/1/embedded/500",
		"|  | ours | etcdraft | raw sarama |",
		"| rounds | 2 | 2 | 0, **1 failed** |",
		"| committed, tx/s | 4,500 (3,000 to 6,000) | 6,000 (4,000 to 8,000) | - |",
		"| ... of it ingress, us | 141 (140 to 142) | - | - |",
		"| ratio | ours / etcdraft | ours / raw sarama |",
		"| committed | 0.75 (0.75 to 0.75) | - |",
		"| closed/1/embedded/500 | raw sarama | 1 | failed: connect: refused \\| by all |",
		"| cores | 2, Some CPU |",
		"p50 0.50 ms; p99 2.00 ms",
		"| ours (kafka) | orderer 2.5 |",
		"| load averages after each step | ",
		"![Committed in a closed loop, tx/s](committed.svg)",
		"![From start to acknowledgement, s](startup.svg)",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in the report:\n%s", want, text)
		}
	}
	if strings.Contains(string(text), "not completed") {
		t.Error("the report of a complete run says that it was not completed")
	}
	for file, begins := range map[string]string{"committed.svg": "<?xml", "committed.png": "\x89PNG", "startup.svg": "<?xml", "cpu.png": "\x89PNG"} {
		b, err := os.ReadFile(filepath.Join(dir, file))
		checktest.Must(t, err)
		if !strings.HasPrefix(string(b), begins) {
			t.Errorf("%s begins with %q, want %q", file, b[:min(8, len(b))], begins)
		}
	}
}

// A run that was killed leaves an incomplete line. What it has measured is kept, and it is continued after that.
func TestInterruptedRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), ResultsFile)
	lines := example()
	write(t, false, file, lines[:3]...)
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	checktest.Must(t, err)
	_, err = f.WriteString(`{"result":{"case"`)
	checktest.Must(t, err)
	checktest.Must(t, f.Close())
	run, err := Load(file)
	checktest.Must(t, err)
	if len(run.Results) != 2 || run.End != nil {
		t.Fatalf("the file has %d results and the end %v, want 2 and none", len(run.Results), run.End)
	}
	if text := run.markdown(nil); !strings.Contains(text, "not completed") {
		t.Fatal("the report of an interrupted run does not say so")
	}
	c := Config{Cases: []Case{closedCase}, Sides: []Side{ours, raft, raw}, Rounds: 2, Resume: true}
	left, err := c.remaining(file)
	checktest.Must(t, err)
	if len(left) != 4 {
		t.Fatalf("%d steps remain, want 4: %v", len(left), left)
	}
	write(t, true, file, lines[3:]...)
	run, err = Load(file)
	checktest.Must(t, err)
	if len(run.Results) != 7 || run.End == nil {
		t.Fatalf("the continued file has %d results and the end %v, want 7 and one", len(run.Results), run.End)
	}
	left, err = c.remaining(file)
	checktest.Must(t, err)
	if len(left) != 2 { // raw sarama's, one of which has failed
		t.Fatalf("%d steps remain, want 2: %v", len(left), left)
	}
}

// A run may be resumed with one more side, after a change.
func TestResumedWithMore(t *testing.T) {
	file := filepath.Join(t.TempDir(), ResultsFile)
	lines := example()
	write(t, false, file, lines...)
	lean := Side{Name: "lean", Kind: Kafka, Bin: "lean"}
	more := Settings{Sides: []Side{ours, lean}, Versions: map[string]string{"lean": "a build"}, Cases: []string{"closed"}, Rounds: 5, Commit: "later"}
	write(t, true, file, line{Settings: &more})
	run, err := Load(file)
	checktest.Must(t, err)
	s := run.Settings
	if len(s.Sides) != 4 || s.Sides[3] != lean || s.Versions["lean"] != "a build" || s.Rounds != 5 || !strings.HasSuffix(s.Commit, "resumed at later") {
		t.Fatalf("the settings are %+v, want those of both", s)
	}
	if run.End != nil {
		t.Fatal("the run that was resumed has an end")
	}
}

func TestNoResults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "other")
	for _, text := range []string{"", "no JSON\n", "{}\n"} {
		checktest.Must(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := Load(file)
		checktest.Fails(t, err, "name a file that bench wrote")
	}
}
