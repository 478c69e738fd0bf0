package client

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// LoadMSP reads the identity in an MSP folder: the certificate in signcerts, and the key in
// keystore that belongs to it.
func LoadMSP(mspid, dir string) (*Identity, error) {
	names, err := filepath.Glob(filepath.Join(dir, "signcerts", "*"))
	if err != nil {
		return nil, err
	}
	if len(names) != 1 {
		return nil, fmt.Errorf("%s: want one certificate in signcerts, found %d", dir, len(names))
	}
	text, err := os.ReadFile(names[0])
	if err != nil {
		return nil, err
	}
	public, err := publicKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", names[0], err)
	}
	key, err := keyOf(public, filepath.Join(dir, "keystore"))
	if err != nil {
		return nil, err
	}
	return newIdentity(mspid, text, key)
}

func publicKey(certificate []byte) (*ecdsa.PublicKey, error) {
	block, _ := pem.Decode(certificate)
	if block == nil {
		return nil, errors.New("it holds no PEM")
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, err
	}
	public, ok := parsed.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("its key is a %T, not an ECDSA key", parsed.PublicKey)
	}
	return public, nil
}

// keyOf returns the private key of a public one from the files of a folder.
func keyOf(public *ecdsa.PublicKey, dir string) (*ecdsa.PrivateKey, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			continue // a folder, or another's key
		}
		if key, err := decodeKey(text); err == nil && key.PublicKey.Equal(public) {
			return key, nil
		}
	}
	return nil, fmt.Errorf("%s holds no key of the certificate in signcerts", dir)
}
