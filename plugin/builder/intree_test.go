package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// inTree is a main like that of Fabric 2.5, which creates a consenter for our type.
var inTree = strings.NewReplacer(
	"\t\"os\"\n", "\t\"os\"\n\t\"time\"\n\n\t\"github.com/hyperledger/fabric/orderer/consensus/kafka\"\n",
	"\tr.Initialize(all)\n", `	var icr registry
	all["solo"] = solo.New()
	var kafkaMetrics *kafka.Metrics
	all["kafka"], kafkaMetrics = kafka.New(c.Kafka, provider, icr)
	go kafkaMetrics.PollGoMetricsUntilStop(time.Minute, nil)
	r.Initialize(all)
`).Replace(hardwired)

func TestRemovesTheInTreeConsenter(t *testing.T) {
	got := patched(t, inTree)
	for _, gone := range []string{"orderer/consensus/kafka", "kafkaMetrics", "kafka.New", `"time"`} {
		if strings.Contains(got, gone) {
			t.Errorf("%q is still in\n%s", gone, got)
		}
	}
	for _, want := range []string{"_ = []any{c.Kafka, provider, icr}\n", `all["solo"] = solo.New()`, "kafkaplugin.Register(all"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

// An import that other code uses stays.
func TestKeepsImportsThatAreUsed(t *testing.T) {
	if got := patched(t, inTree+"\nvar limit = time.Second\n"); !strings.Contains(got, `"time"`) {
		t.Errorf("time is missing in\n%s", got)
	}
}

func TestNamesAnotherFormOfTheInTreeConsenter(t *testing.T) {
	for name, text := range map[string]string{
		"made elsewhere":      strings.Replace(inTree, "kafka.New(", "made(", 1) + "\nfunc made() { kafka.New() }\n",
		"imported and unused": strings.Replace(hardwired, "\t\"os\"\n", "\t\"os\"\n\n\t\"github.com/hyperledger/fabric/orderer/consensus/kafka\"\n", 1),
	} {
		if _, err := patchMain("some/main.go", []byte(text)); err == nil || !strings.Contains(err.Error(), "in-tree consenter") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// The mains of the release trees that the environment names, as it does in make lines.
func TestPatchesTheMainsOfTrees(t *testing.T) {
	for _, dir := range filepath.SplitList(os.Getenv("FABRIC_TREES")) {
		r, err := readRelease(dir)
		checktest.Must(t, err)
		got := patched(t, read(t, filepath.Join(dir, filepath.FromSlash(mainFile))))
		for _, want := range []string{"kafkaplugin.Register(consenters, ", "Health: kafkaHealth", "kafkaplugin.Started(consenters)"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q is missing", r.version, want)
			}
		}
		if strings.Contains(got, "kafka.New(") {
			t.Errorf("%s: the in-tree consenter is still there", r.version)
		}
	}
}
