package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

func TestRewritesImportsOfTests(t *testing.T) {
	root := checkout(t, t.TempDir())
	tested := "package chain\n\n// Says \"github.com/hyperledger/fabric/bccsp\".\nimport (\n\tcb \"github.com/hyperledger/fabric-protos-go/common\"\n\n\t\"github.com/hyperledger/fabric/bccsp/sw\"\n\t\"github.com/hyperledger/fabric/protoutil\"\n)\n"
	put(t, filepath.Join(root, "chain", "a_test.go"), tested)
	put(t, filepath.Join(root, "chain", "b_test.go"), "package chain\n")
	put(t, filepath.Join(root, "chain", "fabric", "fabric2.go"), "//go:build !fabric3\n\n"+tested)
	put(t, filepath.Join(root, "consenter", "c.go"), "package consenter\n")
	put(t, filepath.Join(root, "integration", "answers", "main.go"), "package main\n")
	for release, protos := range map[string]string{"3.1.5": protos3, "2.5.16": protos2} {
		s := treeOf(t, root, fabricTree(t, release, protos))
		checktest.Must(t, s.rewriteTests())
		var overlay struct{ Replace map[string]string }
		checktest.Must(t, json.Unmarshal([]byte(read(t, s.testOverlay())), &overlay))
		want := map[string]int{protos3: 1, protos2: 0}[protos]
		if len(overlay.Replace) != want {
			t.Fatalf("%s: %d files are replaced, want %d: %v", release, len(overlay.Replace), want, overlay.Replace)
		}
		for file, copied := range overlay.Replace {
			if file != filepath.Join(root, "chain", "a_test.go") {
				t.Errorf("%s is replaced", file)
			}
			expected := strings.NewReplacer("fabric-protos-go/common", "fabric-protos-go-apiv2/common", "fabric/bccsp/sw", "fabric-lib-go/bccsp/sw").Replace(tested)
			if got := read(t, copied); got != expected {
				t.Errorf("the copy is\n%s\nwant\n%s", got, expected)
			}
		}
	}
}

// The two files of chain/fabric differ only in their imports and where golang/protobuf has a different function. A
// build against the module alone would not show that an alias is missing in the other file.
func TestLinesHaveTheSameAliases(t *testing.T) {
	file := func(name string) []byte { return []byte(read(t, filepath.Join("..", "..", "chain", "fabric", name))) }
	two, err := rewriteImports("fabric2.go", file("fabric2.go"), moved["3"])
	checktest.Must(t, err)
	got := strings.Replace(string(two), "proto.MessageReflect(m)", "m.ProtoReflect()", 1)
	imports := func(text string) (sorted []string, rest string) {
		from, to := strings.Index(text, "import ("), strings.Index(text, "\n)\n")
		sorted = strings.Fields(text[from:to])
		slices.Sort(sorted)
		return sorted, text[to:]
	}
	imported, rest := imports(got)
	wantImported, wantRest := imports(string(file("fabric3.go")))
	if !slices.Equal(imported, wantImported) {
		t.Errorf("fabric3.go imports %q, want %q", wantImported, imported)
	}
	if rest != wantRest {
		t.Error("fabric3.go and fabric2.go have different declarations")
	}
}
