// Command manifests validates Kubernetes manifests with kubeconform, strictly, against schemas that it makes from
// the module of Kubernetes: those that kubeconform would fetch are on no module proxy.
//
//	manifests -root .. network/kubernetes/orderer.yaml
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/yannh/kubeconform/pkg/validator"
)

// kubernetes is the module whose description of the API is used.
const kubernetes = "k8s.io/kubernetes@v1.34.3"

func main() {
	log.SetFlags(0)
	root := flag.String("root", "..", "folder that the files are relative to")
	flag.Parse()
	if err := run(*root, flag.Args()); err != nil {
		log.Fatal("manifests: ", err)
	}
}

func run(root string, files []string) error {
	api, err := description()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "schemas-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := writeSchemas(api, dir); err != nil {
		return err
	}
	for _, file := range files {
		if err := validate(filepath.Join(root, file), dir); err != nil {
			return err
		}
	}
	return nil
}

// description returns the description of Kubernetes' API, in the format of Swagger.
func description() ([]byte, error) {
	out, err := exec.Command("go", "mod", "download", "-json", kubernetes).Output()
	if err != nil {
		return nil, fmt.Errorf("go mod download %s: %w (is the module proxy reachable?)\n%s", kubernetes, err, out)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(module.Dir, "api", "openapi-spec", "swagger.json"))
}

// definition is a type of the API, as far as it matters here. All of its keys are kept.
type definition map[string]any

// strict makes a type refuse properties that it does not have, and lets what may be a number or a text be either.
func (d definition) strict() {
	if d["properties"] != nil && d["additionalProperties"] == nil {
		d["additionalProperties"] = false
	}
	if d["format"] == "int-or-string" {
		delete(d, "type")
		d["oneOf"] = []map[string]string{{"type": "string"}, {"type": "integer"}}
	}
}

// kinds returns the kinds that a type is the schema of, as kubeconform names files.
func (d definition) kinds() []string {
	all, _ := d["x-kubernetes-group-version-kind"].([]any) // most types have none
	var names []string
	for _, k := range all {
		kind := k.(map[string]any)
		name := fmt.Sprintf("%s-%s-%s", kind["kind"], strings.Split(kind["group"].(string), ".")[0], kind["version"])
		names = append(names, strings.ToLower(strings.Replace(name, "--", "-", 1)))
	}
	return names
}

// writeSchemas writes a schema for each kind of the API into a folder, and one file with all types, which they refer to.
func writeSchemas(api []byte, dir string) error {
	var described struct{ Definitions map[string]definition }
	if err := json.Unmarshal(api, &described); err != nil {
		return err
	}
	for name, d := range described.Definitions {
		d.strict()
		for _, kind := range d.kinds() {
			if err := writeJSON(filepath.Join(dir, kind+".json"), map[string]string{"$ref": "_definitions.json#/definitions/" + name}); err != nil {
				return err
			}
		}
	}
	return writeJSON(filepath.Join(dir, "_definitions.json"), map[string]any{"definitions": described.Definitions})
}

func writeJSON(file string, content any) error {
	text, err := json.Marshal(content)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// validate checks each document of a file.
func validate(file, schemas string) error {
	v, err := validator.New([]string{filepath.Join(schemas, "{{.ResourceKind}}{{.KindSuffix}}.json")}, validator.Opts{Strict: true})
	if err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	results := v.Validate(file, f)
	if len(results) == 0 {
		return fmt.Errorf("%s has no documents", file)
	}
	for _, r := range results {
		if r.Status != validator.Valid {
			err = errors.Join(err, fmt.Errorf("%s: %w", file, r.Err))
		}
	}
	return err
}
