package consenter

import (
	"errors"
	goflag "flag"
	"fmt"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fabric-kafka/orderer/chain/checktest"
	"github.com/fabric-kafka/orderer/chain/guard"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/status"
)

var rewrite = goflag.Bool("rewrite", false, "write the generated tables of TROUBLESHOOTING.md")

// enums are the types whose values the table must have, with the kinds of their rows.
var enums = map[string][]kind{
	"machine.Reason":    {skipped},
	"machine.HaltCause": {stopped},
	"status.Cause":      {stopped, waiting},
	"status.Refusal":    {refused},
	"machine.CutCause":  {}, // of blocks: it keeps no envelope out
}

// source is what the table is compared with: package chain, those below it and this one,
// without tests.
type source struct {
	values    map[string]map[string]string // value by constant, by type
	functions map[string][]string          // the constants that a function uses, by its name
}

func readSource(t *testing.T) source {
	s := source{values: map[string]map[string]string{}, functions: map[string][]string{}}
	for _, dir := range []string{"../chain", "."} {
		checktest.Must(t, filepath.WalkDir(dir, s.visit))
	}
	return s
}

// theTable lists the files that contain the rows.
var theTable = []string{"causes.go", "remedies.go", "stops.go"}

func (s source) visit(path string, d fs.DirEntry, err error) error {
	switch {
	case err != nil:
		return err
	case d.IsDir() && slices.Contains([]string{"chaintest", "fabrictest", "logtest", "memlog", "testdata"}, d.Name()):
		return fs.SkipDir
	case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || slices.Contains(theTable, path):
		return nil
	}
	file, err := goparser.ParseFile(token.NewFileSet(), path, nil, goparser.SkipObjectResolution)
	if err == nil {
		s.read(file)
	}
	return err
}

func (s source) read(file *ast.File) {
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.GenDecl:
			s.constants(file.Name.Name, d)
		case *ast.FuncDecl:
			name := functionName(file.Name.Name, d)
			s.functions[name] = append(s.functions[name], identifiers(d)...)
		}
	}
}

func (s source) constants(pkg string, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok || d.Tok != token.CONST || len(v.Values) != 1 {
			continue
		}
		is, _ := v.Type.(*ast.Ident)
		value, _ := v.Values[0].(*ast.BasicLit)
		if is == nil || value == nil || enums[pkg+"."+is.Name] == nil {
			continue
		}
		text, _ := strconv.Unquote(value.Value)
		of := s.values[pkg+"."+is.Name]
		if of == nil {
			of = map[string]string{}
			s.values[pkg+"."+is.Name] = of
		}
		of[v.Names[0].Name] = text
	}
}

// functionName returns package.Function, or package.Type.Method.
func functionName(pkg string, d *ast.FuncDecl) string {
	if d.Recv == nil {
		return pkg + "." + d.Name.Name
	}
	of := d.Recv.List[0].Type
	if star, ok := of.(*ast.StarExpr); ok {
		of = star.X
	}
	if generic, ok := of.(*ast.IndexExpr); ok {
		of = generic.X
	}
	return fmt.Sprintf("%s.%s.%s", pkg, of, d.Name.Name)
}

func identifiers(d *ast.FuncDecl) (all []string) {
	ast.Inspect(d, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			all = append(all, id.Name)
		}
		return true
	})
	return all
}

// Each value has one row, and each row belongs to a value.
func TestEveryValueHasARow(t *testing.T) {
	s := readSource(t)
	lines := 0
	for _, of := range slices.Sorted(maps.Keys(enums)) {
		if len(s.values[of]) == 0 {
			t.Fatalf("%v: got none", of)
		}
		if len(enums[of]) == 0 {
			continue
		}
		for constant, word := range s.values[of] {
			r := rowOf(word, enums[of]...)
			if len(r.word) == 0 {
				t.Fatalf("%s %s has no row in the table", of, constant)
			}
			if len(r.means) == 0 {
				t.Fatalf("%v: got none", word)
			}
			lines++
		}
	}
	if got := rows(); len(got) != lines {
		t.Fatalf("a row has no value, or a value has two rows: got %v, want %d of them", got, lines)
	}
	for _, r := range rows() {
		if len(s.decided(r)) == 0 {
			t.Fatalf("no function decides on %s", r.word)
		}
		for _, name := range r.also {
			if s.functions[name] == nil {
				t.Fatalf("the row of %s names %s, which is not a function", r.word, name)
			}
		}
	}
}

// decided returns the functions that decide on a row's value.
func (s source) decided(r row) []string {
	all := slices.Clone(r.also)
	for of, kinds := range enums {
		for constant, word := range s.values[of] {
			if word != r.word || !slices.Contains(kinds, r.kind) {
				continue
			}
			for name, used := range s.functions {
				if slices.Contains(used, constant) {
					all = append(all, name)
				}
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

const (
	tableBegin = "<!-- generated from the table in causes.go: go test ./consenter -run TestTroubleshootingHasTheTable -rewrite -->"
	tableEnd   = "<!-- end -->"
)

func TestTroubleshootingHasTheTable(t *testing.T) {
	const path = "TROUBLESHOOTING.md"
	text, err := os.ReadFile(path)
	checktest.Must(t, err)
	before, rest, found := strings.Cut(string(text), tableBegin)
	if !found {
		t.Fatalf("no table begins")
	}
	_, after, found := strings.Cut(rest, tableEnd)
	if !found {
		t.Fatalf("no table ends")
	}
	want := before + tableBegin + "\n" + readSource(t).tables() + tableEnd + after
	if *rewrite {
		checktest.Must(t, os.WriteFile(path, []byte(want), 0o644))
	}
	if got, want := string(text), want; !reflect.DeepEqual(got, want) {
		t.Fatalf("run the test with -rewrite: got %v, want %v", got, want)
	}
}

func (s source) tables() string {
	var b strings.Builder
	for _, k := range []struct {
		kind
		title string
	}{
		{skipped, "Skipped: the envelope is in the topic and is put in no block. Label `reason` of `consensus_kafka_records_skipped`, log line `Skipped a record`"},
		{refused, "Refused: the envelope was not accepted from the client. Label `reason` of `consensus_kafka_envelopes_refused`"},
		{stopped, "Stopped: the channel accepts nothing until an operator acts. Label `cause` of `consensus_kafka_failure`, status `failed` (`inactive` for `migrated`)"},
		{waiting, "Waiting: the channel accepts nothing for now; envelopes are refused as `not-ready`"},
	} {
		fmt.Fprintf(&b, "\n%s.\n\n| word | what it means | decided in | what to do |\n|---|---|---|---|\n", k.title)
		for _, r := range rows() {
			if r.kind == k.kind {
				fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s |\n", r.word, r.means, strings.Join(s.decided(r), "`, `"), or(r.remedy, "nothing: this is normal operation"))
			}
		}
	}
	return b.String() + "\n"
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

var labelLine = regexp.MustCompile("(?m)^- `(cause|reason)` of `([a-z_]+)`: (.*\n(?:  .+\n)*)")

// METRICS.md lists the values of labels as well: alerts are set on them.
func TestMetricsNameLabelValues(t *testing.T) {
	text, err := os.ReadFile("METRICS.md")
	checktest.Must(t, err)
	s := readSource(t)
	listed := map[string]string{}
	for _, line := range labelLine.FindAllStringSubmatch(string(text), -1) {
		listed[line[2]] = line[3]
	}
	for metric, types := range map[string][]string{
		"blocks_cut":        {"machine.CutCause"},
		"records_skipped":   {"machine.Reason"},
		"envelopes_refused": {"status.Refusal"},
		"failure":           {"machine.HaltCause", "status.Cause"},
	} {
		var words, named []string
		for _, of := range types {
			for _, word := range s.values[of] {
				if metric != "failure" || rowOf(word, stopped).word != "" || word == string(status.CauseBegunElsewhere) {
					words = append(words, word)
				}
			}
		}
		for _, word := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(listed[metric], -1) {
			named = append(named, word[1])
		}
		if slices.Sort(words); !slices.Equal(words, slices.Sorted(slices.Values(named))) {
			t.Errorf("%s: the page names %q, want %q", metric, named, words)
		}
	}
}

func TestErrorsAreExplainedOnce(t *testing.T) {
	fault := status.Fault{Cause: status.CauseDisk, Err: errors.New("no space")}
	once := explain(fmt.Errorf("%w: %w", status.ErrNotReady, fault))
	if got, want := once, "the channel is not ready on this orderer: no space (disk); free up space on the ledger disk; the channel then continues by itself"; fmt.Sprint(got) != want {
		t.Fatalf("got %q, want %q", got, want)
	}
	if got, want := explain(once), once; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if got, want := once, status.ErrNotReady; !errors.Is(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if got, want := status.CauseOf(once), status.CauseDisk; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}

	outage := errors.New("no broker answers")
	if got, want := explain(outage), outage; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	checktest.Must(t, explain(nil))
}

// The most specific fact about an error decides its word.
func TestErrorsHaveTheirWord(t *testing.T) {
	fatal := &log.Error{Class: log.Fatal, Op: "read", Topic: channel, Err: errors.New("a batch")}
	for word, err := range map[string]error{
		"size":             status.Refused{Refusal: status.RefusalSize, Err: errors.New("too large")},
		"unreadable-topic": fatal,
		"no-verdict":       guard.NoVerdict(errors.New("an unknown capability")),
		"other-channel":    status.Fault{Cause: status.Cause(machine.HaltOtherChannel), Err: errors.New("names another")},
	} {
		checktest.Fails(t, explain(err), "("+word+"); ")
	}
}

// Remedies are only in the table: the packages below know neither settings nor commands of
// operators.
func TestNoRemedyIsBelowTheTable(t *testing.T) {
	for _, dir := range []string{"../chain/guard", "../chain/machine", "../chain/record", "../chain/session", "../chain/status"} {
		files, err := filepath.Glob(dir + "/*.go")
		checktest.Must(t, err)
		if len(files) == 0 {
			t.Fatalf("got none")
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			checktest.Must(t, err)
			for _, word := range []string{"Consensus.Kafka", "orderer.yaml", "osnkafka", "`network"} {
				if got, part := string(text), word; strings.Contains(got, part) {
					t.Fatalf("%v: %q has %q", file, got, part)
				}
			}
		}
	}
}
