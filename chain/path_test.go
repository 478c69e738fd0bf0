package chain

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// longestPath is how many files a reader should have to open to follow an envelope.
const longestPath = 16

var (
	pathRow  = regexp.MustCompile("(?m)^\\| ([0-9]+) \\| `([a-z/_]+\\.go)` \\| ((?:`[A-Za-z.]+`(?:, )?)+) \\| .+ \\|$")
	pathName = regexp.MustCompile("`([A-Za-z.]+)`")
)

// pathFaults returns what is wrong with the section of a README that lists the functions
// through which an envelope passes.
func pathFaults(readme string) (faults []string) {
	_, section, found := strings.Cut(readme, "\n## How an envelope gets into a block\n")
	if !found {
		return []string{"there is no such section"}
	}
	section, _, _ = strings.Cut(section, "\n## ")
	rows := pathRow.FindAllStringSubmatch(section, -1)
	if numbered := strings.Count(section, "\n| ") - 1; len(rows) != numbered || len(rows) == 0 {
		faults = append(faults, fmt.Sprintf("%d rows of %d can be read", len(rows), numbered))
	}
	var files []string
	for i, row := range rows {
		if row[1] != fmt.Sprint(i+1) {
			faults = append(faults, fmt.Sprintf("row %d has the number %s", i+1, row[1]))
		}
		declared, err := functionsOf(row[2])
		if err != nil {
			faults = append(faults, err.Error())
			continue
		}
		files = append(files, row[2])
		for _, name := range pathName.FindAllStringSubmatch(row[3], -1) {
			if !slices.Contains(declared, name[1]) {
				faults = append(faults, fmt.Sprintf("%s has no function %s", row[2], name[1]))
			}
		}
	}
	slices.Sort(files)
	if n := len(slices.Compact(files)); n > longestPath {
		faults = append(faults, fmt.Sprintf("%d files, want at most %d", n, longestPath))
	}
	return faults
}

// functionsOf returns the functions of a file, methods as Type.name.
func functionsOf(file string) (names []string, err error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.FromSlash(file), nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		switch {
		case !ok:
		case f.Recv == nil:
			names = append(names, f.Name.Name)
		default:
			names = append(names, receiver(f.Recv.List[0].Type)+"."+f.Name.Name)
		}
	}
	return names, nil
}

func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// The README lists the functions through which an envelope passes, each in the file where it
// is, in few enough files.
func TestEnvelopePath(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range pathFaults(string(readme)) {
		t.Error(fault)
	}
}

// The check of the README finds each kind of fault.
func TestEnvelopePathFaults(t *testing.T) {
	const head = "\n## How an envelope gets into a block\n\n| | file | function | what it does |\n|---|---|---|---|\n"
	long := head
	for i, file := range filesWithFunctions(t)[:longestPath+1] {
		long += fmt.Sprintf("| %d | `%s` | `%s` | is read |\n", i+1, file[0], file[1])
	}
	for name, test := range map[string]struct{ readme, fault string }{
		"sound":         {head + "| 1 | `ingress.go` | `Chain.Order`, `refusedConfig` | appends |\n", ""},
		"no section":    {"\n## Another\n", "no such section"},
		"no row":        {head, "0 rows of 0"},
		"unreadable":    {head + "| 1 | ingress.go | `Chain.Order` | appends |\n", "0 rows of 1"},
		"misnumbered":   {head + "| 2 | `ingress.go` | `Chain.Order` | appends |\n", "row 1 has the number 2"},
		"no file":       {head + "| 1 | `nowhere.go` | `Chain.Order` | appends |\n", "nowhere.go"},
		"no function":   {head + "| 1 | `ingress.go` | `Chain.Order`, `Chain.Reorder` | appends |\n", "ingress.go has no function Chain.Reorder"},
		"not that type": {head + "| 1 | `ingress.go` | `Order` | appends |\n", "ingress.go has no function Order"},
		"too long":      {long, "17 files, want at most 16"},
	} {
		got := strings.Join(pathFaults(test.readme), "; ")
		if !strings.Contains(got, test.fault) || (got == "") != (test.fault == "") {
			t.Errorf("%s: got %q, want %q", name, got, test.fault)
		}
	}
}

// filesWithFunctions returns the files of this package that declare a function, each with one.
func filesWithFunctions(t *testing.T) (all [][2]string) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if names, err := functionsOf(file); err == nil && len(names) > 0 {
			all = append(all, [2]string{file, names[0]})
		}
	}
	return all
}
