package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"slices"
	"sort"
	"strings"
)

// pluginAlias is the name under which the patched main imports the plugin.
const pluginAlias = "kafkaplugin"

// patchMain returns an orderer's main in which the plugin registers its consenter just before the
// registrar takes the map of consenters, and is called again just after. It looks for syntax, not for
// line numbers; the error names what is missing.
func patchMain(file string, text []byte) ([]byte, error) {
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, text, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("parse: %w", err)
	}
	m := &ordererMain{file: file, text: text, fset: fset}
	if err := m.find(tree); err != nil {
		return nil, err
	}
	edits, err := m.edits(tree)
	if err != nil {
		return nil, err
	}
	return format.Source(apply(text, edits))
}

// ordererMain is what was found in an orderer's main.
type ordererMain struct {
	file       string
	text       []byte
	fset       *token.FileSet
	function   *ast.FuncDecl // that fills the map of consenters
	initialize ast.Stmt      // registrar.Initialize(consenters)
	consenters string
}

func (m *ordererMain) missing(what string) error {
	return fmt.Errorf("%s has no %s: this Fabric version fills its map of consenters differently; extend plugin/builder/patch.go", m.file, what)
}

// find looks for the call registrar.Initialize(consenters).
func (m *ordererMain) find(tree *ast.File) error {
	for _, d := range tree.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		for _, s := range f.Body.List {
			if name, ok := initializeCall(s); ok {
				m.function, m.initialize, m.consenters = f, s, name
				return nil
			}
		}
	}
	return m.missing("call registrar.Initialize(consenters)")
}

// initializeCall returns the argument of a statement x.Initialize(argument).
func initializeCall(s ast.Stmt) (string, bool) {
	e, ok := s.(*ast.ExprStmt)
	if !ok {
		return "", false
	}
	call, ok := e.X.(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return "", false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || method.Sel.Name != "Initialize" {
		return "", false
	}
	argument, ok := call.Args[0].(*ast.Ident)
	if !ok {
		return "", false
	}
	return argument.Name, true
}

// edit inserts text at an offset, and removes what is there up to end.
type edit struct {
	at   int
	text string
	end  int // at or less: nothing is removed
}

func (m *ordererMain) edits(tree *ast.File) ([]edit, error) {
	config, err := m.parameter("localconfig.TopLevel")
	if err != nil {
		return nil, err
	}
	metrics, err := m.parameter("metrics.Provider")
	if err != nil {
		return nil, err
	}
	crypto, err := m.parameter("bccsp.BCCSP")
	if err != nil {
		return nil, err
	}
	dialer, err := m.parameter("cluster.PredicateDialer")
	if err != nil {
		return nil, err
	}
	if len(tree.Imports) == 0 {
		return nil, m.missing("imports")
	}
	health, registry := m.health(tree)
	register := fmt.Sprintf("if err := %[1]s.Register(%[2]s, %[1]s.Host{Consensus: %[3]s.Consensus, Metrics: %[4]s, Crypto: %[5]s, "+
		"Cluster: %[1]s.Cluster{Dialer: %[6]s, Settings: %[3]s.General.Cluster, TLS: %[3]s.General.TLS, Address: %[3]s.General.ListenAddress, Port: %[3]s.General.ListenPort}, "+
		"LedgerDir: %[3]s.FileLedger.Location%[7]s}); err != nil {\n"+
		"logger.Panicf(\"Cannot register a consenter: %%s\", err)\n}\n",
		pluginAlias, m.consenters, config, metrics, crypto, dialer, registry)
	edits := []edit{
		{at: m.offset(tree.Imports[0].Pos()), text: fmt.Sprintf("%s %q\n", pluginAlias, ourModule+"/plugin")},
		{at: m.offset(m.initialize.Pos()), text: register},
		{at: m.offset(m.initialize.End()), text: fmt.Sprintf("\n%s.Started(%s)", pluginAlias, m.consenters)},
	}
	intree, err := m.removeInTree(tree)
	if err != nil {
		return nil, err
	}
	return slices.Concat(edits, health, m.tolerance(), intree), nil
}

// parameter returns the name of the parameter that has a type.
func (m *ordererMain) parameter(kind string) (string, error) {
	for _, field := range m.function.Type.Params.List {
		if typeName(field.Type) == kind && len(field.Names) > 0 {
			return field.Names[0].Name, nil
		}
	}
	return "", m.missing(fmt.Sprintf("parameter of type %s in function %s, which initializes the registrar", kind, m.function.Name.Name))
}

func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.SelectorExpr:
		return typeName(e.X) + "." + e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// tolerance returns the edits that allow our type as Consensus.Type where main refuses types that it does not know:
// the cluster consenter of the process is then etcdraft, alongside ours. A main without such a switch needs no edits.
func (m *ordererMain) tolerance() []edit {
	for _, s := range m.function.Body.List {
		choice, ok := s.(*ast.SwitchStmt)
		if !ok {
			continue
		}
		if tag, ok := choice.Tag.(*ast.Ident); ok && namesEtcdraft(choice) {
			return []edit{{at: m.offset(s.Pos()), text: fmt.Sprintf("if %[1]s == %[2]s.Type {\n%[1]s = %[3]s\n}\n", tag.Name, pluginAlias, etcdraft)}}
		}
	}
	return nil
}

const etcdraft = `"etcdraft"`

func namesEtcdraft(choice *ast.SwitchStmt) bool {
	for _, s := range choice.Body.List {
		for _, e := range s.(*ast.CaseClause).List {
			if lit, ok := e.(*ast.BasicLit); ok && lit.Value == etcdraft {
				return true
			}
		}
	}
	return false
}

func (m *ordererMain) offset(p token.Pos) int { return m.fset.Position(p).Offset }

func apply(text []byte, edits []edit) []byte {
	sort.Slice(edits, func(i, j int) bool { return edits[i].at < edits[j].at })
	var out bytes.Buffer
	last := 0
	for _, e := range edits {
		out.Write(text[last:e.at])
		out.WriteString(e.text)
		last = max(e.at, e.end)
	}
	out.Write(text[last:])
	return []byte(strings.ReplaceAll(out.String(), "\r\n", "\n"))
}
