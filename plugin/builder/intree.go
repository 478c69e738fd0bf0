package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// inTreePackage is Fabric's own consenter for the type kafka, which releases of 2.5 have. Their main creates it in a
// form such as
//
//	var kafkaMetrics *kafka.Metrics
//	consenters["kafka"], kafkaMetrics = kafka.New(conf.Kafka, metricsProvider, icr)
//	go kafkaMetrics.PollGoMetricsUntilStop(time.Minute, nil)
const inTreePackage = fabricModule + "/orderer/consensus/kafka"

// removeInTree takes the in-tree consenter out of a main that has one, since the registrar has one consenter per
// type. The arguments of the removed call stay in use, or the main would not compile.
func (m *ordererMain) removeInTree(tree *ast.File) ([]edit, error) {
	imported := importOf(tree, inTreePackage)
	if imported == nil {
		return nil, nil
	}
	name := path.Base(inTreePackage)
	if imported.Name != nil {
		name = imported.Name.Name
	}
	edits, variables := []edit{m.remove(imported)}, map[string]bool{}
	removed := []ast.Node{imported}
	for _, s := range m.function.Body.List {
		switch {
		case declares(s, name, variables):
			edits = append(edits, m.remove(s))
		case assigns(s, name, variables):
			arguments := s.(*ast.AssignStmt).Rhs[0].(*ast.CallExpr).Args
			edits = append(edits, m.replace(s, fmt.Sprintf("_ = []any{%s}", m.join(arguments))))
		case calls(s, variables):
			edits = append(edits, m.remove(s))
		default:
			continue
		}
		removed = append(removed, s)
	}
	if len(removed) == 1 {
		return nil, m.missing(fmt.Sprintf("statement that creates the in-tree consenter of package %s, which it imports", inTreePackage))
	}
	if left := uses(tree, name, removed); left != token.NoPos {
		return nil, m.missing(fmt.Sprintf("way to remove the in-tree consenter: line %d uses package %s in another form", m.fset.Position(left).Line, inTreePackage))
	}
	for _, spec := range tree.Imports {
		if alias := importName(spec); spec != imported && alias != "_" && within(removed[1:], alias) && uses(tree, alias, removed) == token.NoPos {
			edits = append(edits, m.remove(spec)) // only the removed statements used it
		}
	}
	return edits, nil
}

func (m *ordererMain) remove(n ast.Node) edit { return m.replace(n, "") }

func (m *ordererMain) replace(n ast.Node, text string) edit {
	return edit{at: m.offset(n.Pos()), text: text, end: m.offset(n.End())}
}

// join returns expressions as they are written in the main.
func (m *ordererMain) join(all []ast.Expr) string {
	var text []string
	for _, e := range all {
		text = append(text, string(m.text[m.offset(e.Pos()):m.offset(e.End())]))
	}
	return strings.Join(text, ", ")
}

func importOf(tree *ast.File, pkg string) *ast.ImportSpec {
	i := slices.IndexFunc(tree.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == strconv.Quote(pkg) })
	if i < 0 {
		return nil
	}
	return tree.Imports[i]
}

// importName returns the name that a file uses an import by, for packages named like the last part of their path.
func importName(s *ast.ImportSpec) string {
	if s.Name != nil {
		return s.Name.Name
	}
	p, _ := strconv.Unquote(s.Path.Value) // the parser has accepted it as a string
	return path.Base(p)
}

// declares reports whether s declares variables of the package's types, and adds their names.
func declares(s ast.Stmt, pkg string, variables map[string]bool) bool {
	d, ok := s.(*ast.DeclStmt)
	if !ok || uses(d, pkg, nil) == token.NoPos {
		return false
	}
	ast.Inspect(d, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok {
			for _, name := range v.Names {
				variables[name.Name] = true
			}
		}
		return true
	})
	return true
}

// assigns reports whether s assigns the results of a call of the package, and adds the variables that it defines.
func assigns(s ast.Stmt, pkg string, variables map[string]bool) bool {
	a, ok := s.(*ast.AssignStmt)
	if !ok || len(a.Rhs) != 1 {
		return false
	}
	call, ok := a.Rhs[0].(*ast.CallExpr)
	if !ok || uses(call.Fun, pkg, nil) == token.NoPos {
		return false
	}
	for _, left := range a.Lhs {
		if name, ok := left.(*ast.Ident); ok && a.Tok == token.DEFINE {
			variables[name.Name] = true
		}
	}
	return true
}

// calls reports whether s is a call of a method of one of the variables, in a goroutine or not.
func calls(s ast.Stmt, variables map[string]bool) bool {
	var call *ast.CallExpr
	switch s := s.(type) {
	case *ast.GoStmt:
		call = s.Call
	case *ast.ExprStmt:
		call, _ = s.X.(*ast.CallExpr)
	}
	if call == nil {
		return false
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	receiver, ok := method.X.(*ast.Ident)
	return ok && variables[receiver.Name]
}

// within reports whether one of the nodes uses a package.
func within(nodes []ast.Node, pkg string) bool {
	return slices.ContainsFunc(nodes, func(n ast.Node) bool { return uses(n, pkg, nil) != token.NoPos })
}

// uses returns where a node refers to a package, apart from the nodes in out; [token.NoPos] if it does not.
func uses(n ast.Node, pkg string, out []ast.Node) token.Pos {
	found := token.NoPos
	ast.Inspect(n, func(n ast.Node) bool {
		if slices.Contains(out, n) {
			return false
		}
		if s, ok := n.(*ast.SelectorExpr); ok && found == token.NoPos {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == pkg {
				found = s.Pos()
			}
		}
		return true
	})
	return found
}
