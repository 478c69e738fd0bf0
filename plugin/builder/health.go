package main

import (
	"fmt"
	"go/ast"
	"go/token"
)

// operations is the function that creates the operations system, which registers checks for /healthz.
const operations = "newOperationsSystem"

// healthName is the variable of the patched main that holds the operations system.
const healthName = "kafkaHealth"

// health returns edits that keep the operations system for the function that registers the plugin, which does not get
// it, and the field of Host that passes it on. A main that creates none needs no edits: the plugin then refuses the
// setting that asks for a check.
func (m *ordererMain) health(tree *ast.File) (edits []edit, field string) {
	for _, d := range tree.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		for _, s := range f.Body.List {
			name, ok := operationsSystem(s)
			if !ok {
				continue
			}
			return []edit{
				{at: m.offset(s.End()), text: fmt.Sprintf("\n%s = %s", healthName, name)},
				{at: m.offset(startOf(f)), text: fmt.Sprintf("var %s %s.HealthRegistry\n\n", healthName, pluginAlias)},
			}, ", Health: " + healthName
		}
	}
	return nil, ""
}

// startOf returns where a function begins, with its doc comment.
func startOf(f *ast.FuncDecl) token.Pos {
	if f.Doc != nil {
		return f.Doc.Pos()
	}
	return f.Pos()
}

// operationsSystem returns the name that a statement name := newOperationsSystem(...)
// declares.
func operationsSystem(s ast.Stmt) (string, bool) {
	a, ok := s.(*ast.AssignStmt)
	if !ok || len(a.Lhs) != 1 || len(a.Rhs) != 1 {
		return "", false
	}
	name, named := a.Lhs[0].(*ast.Ident)
	call, ok := a.Rhs[0].(*ast.CallExpr)
	if !ok || !named {
		return "", false
	}
	made, ok := call.Fun.(*ast.Ident)
	return name.Name, ok && made.Name == operations
}
