// Command ccaas is a peer's external builder for chaincode that runs as a service: detect, build or release, by the
// name that it is started with. It does what Fabric's own ccaas_builder does with a package of type ccaas, which
// fabric-samples makes: it takes connection.json, and fills in {{.peername}}.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

const connection = "connection.json"

func main() {
	if err := run(filepath.Base(os.Args[0]), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ccaas:", err)
		os.Exit(1)
	}
}

// run carries out a command; folders are its arguments.
func run(command string, folders []string) error {
	switch {
	case command == "detect" && len(folders) == 2: // source, metadata
		return detect(folders[1])
	case command == "build" && len(folders) == 3: // source, metadata, output
		return copyFile(filepath.Join(folders[0], connection), filepath.Join(folders[2], connection))
	case command == "release" && len(folders) == 2: // output of build, release
		return release(folders[0], folders[1], os.Getenv("CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG"))
	}
	return fmt.Errorf("%s with %d folders: want detect SOURCE METADATA, build SOURCE METADATA OUT, or release OUT RELEASE", command, len(folders))
}

// detect returns nil if the package is of type ccaas.
func detect(metadata string) error {
	text, err := os.ReadFile(filepath.Join(metadata, "metadata.json"))
	if err != nil {
		return err
	}
	var m struct{ Type string }
	if err := json.Unmarshal(text, &m); err != nil {
		return err
	}
	if m.Type != "ccaas" {
		return fmt.Errorf("the package is of type %q", m.Type)
	}
	return nil
}

func copyFile(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600)
}

// release writes connection.json for the peer; values are what its address may refer to.
func release(out, to, values string) error {
	text, err := os.ReadFile(filepath.Join(out, connection))
	if err != nil {
		return err
	}
	var c map[string]any
	if err := json.Unmarshal(text, &c); err != nil {
		return err
	}
	address, ok := c["address"].(string)
	if !ok {
		return errors.New(connection + " has no address")
	}
	if c["address"], err = filled(address, values); err != nil {
		return err
	}
	server := filepath.Join(to, "chaincode", "server")
	if text, err = json.Marshal(c); err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(server, 0o755), os.WriteFile(filepath.Join(server, connection), text, 0o600))
}

// filled returns an address with its references replaced.
func filled(address, values string) (string, error) {
	known := map[string]string{}
	if values != "" {
		if err := json.Unmarshal([]byte(values), &known); err != nil {
			return "", fmt.Errorf("CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG: %w", err)
		}
	}
	t, err := template.New("address").Option("missingkey=error").Parse(address)
	if err != nil {
		return "", err
	}
	var text bytes.Buffer
	if err := t.Execute(&text, known); err != nil {
		return "", err
	}
	return text.String(), nil
}
