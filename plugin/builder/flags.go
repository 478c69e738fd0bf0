package main

import (
	"bytes"
	"context"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// moved lists, by line, the packages whose import path differs from the one in the module that go.mod requires. Code
// that ships uses them through chain/fabric; tests, and the packages that only tests use, import them directly, and
// are compiled for a line from copies with these imports.
var moved = map[string][][2]string{
	"3": {
		{"github.com/golang/protobuf/proto", "google.golang.org/protobuf/proto"},
		{"github.com/hyperledger/fabric-protos-go/", "github.com/hyperledger/fabric-protos-go-apiv2/"},
		{"github.com/hyperledger/fabric/bccsp", "github.com/hyperledger/fabric-lib-go/bccsp"},
		{"github.com/hyperledger/fabric/common/flogging", "github.com/hyperledger/fabric-lib-go/common/flogging"},
		{"github.com/hyperledger/fabric/common/metrics", "github.com/hyperledger/fabric-lib-go/common/metrics"},
	},
}

// forLines are the folders whose packages compile against every line: those in an orderer, with their tests, and the program
// whose answers a test compares.
var forLines = []string{"plugin", "chain", "consenter", "integration/answers"}

func flagsCommand(b *builder) *cobra.Command {
	c := &cobra.Command{
		Use:   "flags [--fabric TREE]",
		Short: "Print the flags that let go vet, build and test compile this project against a Fabric tree, or with options",
		Example: "  go test $(go run ./plugin/builder flags --fabric ~/fabric) ./chain/... ./consenter/...\n\n" +
			"  The path of the project must not contain a space.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			flags, err := b.flags(c.Context())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), strings.Join(flags, " "))
			return err
		},
	}
	c.Flags().StringVar(&b.fabric, "fabric", "", "checkout or unpacked source archive of a Fabric release (default: the module that go.mod requires)")
	c.Flags().StringVar(&b.work, "work", "", "folder for generated files (default: .build beside go.mod)")
	b.options.AddFlags(c.Flags())
	return c
}

// flags prepares a tree for go, and returns the flags that go needs for it.
func (b *builder) flags(ctx context.Context) ([]string, error) {
	p := &project{ctx: ctx, progress: b.progress}
	s, free, err := b.open(p)
	if err != nil {
		return nil, err
	}
	defer free()
	s.files = s.forCheckout()
	steps := []step{
		{"prepare Fabric " + s.version, s.prepare},
		{"patch the orderer's main", s.patch},
		{"resolve modules", func() error { return p.resolve(s) }},
		{"rewrite imports of tests", s.rewriteTests},
	}
	if err := p.runSteps(steps); err != nil {
		return nil, err
	}
	// Tests need modules that the orderer does not, so go may complete the module file further.
	flags := []string{"-mod=mod", "-modfile=" + s.modFile(), "-overlay=" + s.testOverlay()}
	if tags := s.tags(); len(tags) > 0 {
		flags = append(flags, "-tags="+strings.Join(tags, ","))
	}
	return flags, nil
}

func (s *source) testOverlay() string { return filepath.Join(s.work, "tests.json") }

// rewriteTests writes copies of those of our files that import a package by a path that the line does not have, and
// the overlay that names them and the files that options change.
func (s *source) rewriteTests() error {
	replace, err := s.changed()
	if err != nil {
		return err
	}
	for _, folder := range forLines {
		err := filepath.WalkDir(filepath.Join(s.root, folder), func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(file) != ".go" {
				return err
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			rewritten, err := rewriteImports(file, text, moved[s.line()])
			if err != nil || rewritten == nil || constrained(text) {
				return err
			}
			name, err := filepath.Rel(s.root, file)
			if err != nil {
				return err
			}
			replace[file] = filepath.Join(s.work, "tests", name)
			return writeIfChanged(replace[file], rewritten)
		})
		if err != nil {
			return err
		}
	}
	return writeOverlay(s.testOverlay(), replace)
}

// constrained reports whether a file has a build constraint, as those of chain/fabric do.
func constrained(text []byte) bool { return bytes.HasPrefix(text, []byte("//go:build ")) }

// rewriteImports returns a file with its imports replaced according to paths; nil if none of them matches.
func rewriteImports(file string, text []byte, paths [][2]string) ([]byte, error) {
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, text, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var edits []edit
	for _, spec := range tree.Imports {
		old, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		for _, p := range paths {
			if now, ok := strings.CutPrefix(old, p[0]); ok {
				edits = append(edits, edit{
					at: fset.Position(spec.Path.Pos()).Offset, end: fset.Position(spec.Path.End()).Offset, text: strconv.Quote(p[1] + now),
				})
			}
		}
	}
	if len(edits) == 0 {
		return nil, nil
	}
	return apply(text, edits), nil
}
