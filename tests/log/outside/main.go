// Checks a log of Tearline with code that is not Tearline's: golang.org/x/mod of the Go project.
//
//	outside log DIR VKEY            a folder: checkpoint, every entry, every tile
//	outside proof FILE ENTRY VKEY   a tlog-proof of one entry
//
// The root is rebuilt from the entries, and the tiles are compared with what follows from them.
// The tile reader of x/mod is not used: in version 0.7.0 it lets a leaf that was altered together
// with its tile pass where several subtrees of the right edge share one tile.
//
// Build: GO111MODULE=off GOPATH=/usr/share/gocode go build -o outside main.go
// (Debian: golang-go, golang-golang-x-mod-dev)
package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height = 8
	header = "c2sp.org/tlog-proof@v1"
)

func main() {
	var said string
	var err error
	switch {
	case len(os.Args) == 4 && os.Args[1] == "log":
		said, err = checkLog(os.Args[2], os.Args[3])
	case len(os.Args) == 5 && os.Args[1] == "proof":
		said, err = checkProof(os.Args[2], os.Args[3], os.Args[4])
	default:
		err = errors.New("usage: outside log DIR VKEY | outside proof FILE ENTRY VKEY")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "outside:", err)
		os.Exit(1)
	}
	fmt.Println(said)
}

// open returns the tree under a signed checkpoint (c2sp.org/tlog-checkpoint).
func open(text []byte, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, errors.New("the checkpoint is not of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return tlog.Tree{}, errors.New("the checkpoint has no size")
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func checkLog(dir, vkey string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return "", err
	}
	signed, err := open(text, vkey)
	if err != nil {
		return "", err
	}
	stored, err := rebuild(dir, signed.N)
	if err != nil {
		return "", err
	}
	root, err := tlog.TreeHash(signed.N, stored)
	if err != nil {
		return "", err
	}
	// RFC 6962 gives the empty tree a root that x/mod does not know.
	if signed.N > 0 && root != signed.Hash {
		return "", errors.New("the root over the entries is not the one that was signed")
	}
	tiles, err := checkTiles(dir, signed.N, stored)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d entries, %d tiles", signed.N, tiles), nil
}

// hashes are the stored hashes of a tree, in the order of tlog.StoredHashIndex.
type hashes []tlog.Hash

func (stored hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for at, index := range indexes {
		if index >= int64(len(stored)) {
			return nil, errors.New("a hash is missing")
		}
		found[at] = stored[index]
	}
	return found, nil
}

// rebuild hashes every entry of a log again.
func rebuild(dir string, size int64) (hashes, error) {
	var stored hashes
	for begin := int64(0); begin < size; begin += 1 << height {
		width := size - begin
		if width > 1<<height {
			width = 1 << height
		}
		place := tlog.Tile{H: height, L: 0, N: begin >> height, W: int(width)}
		bundle, err := os.ReadFile(filepath.Join(dir, path(place, "entries")))
		if err != nil {
			return nil, err
		}
		for at := begin; at < begin+width; at++ {
			if len(bundle) < 2 {
				return nil, fmt.Errorf("entry %d is missing", at)
			}
			length := int(bundle[0])<<8 | int(bundle[1])
			if len(bundle) < 2+length {
				return nil, fmt.Errorf("entry %d is cut off", at)
			}
			more, err := tlog.StoredHashes(at, bundle[2:2+length], stored)
			if err != nil {
				return nil, err
			}
			stored = append(stored, more...)
			bundle = bundle[2+length:]
		}
		if len(bundle) > 0 {
			return nil, fmt.Errorf("the bundle at %d has too many entries", begin)
		}
	}
	return stored, nil
}

// checkTiles compares every tile of a log with what follows from its entries.
func checkTiles(dir string, size int64, stored hashes) (int, error) {
	checked := 0
	for level := 0; size>>(height*level) > 0; level++ {
		count := size >> (height * level)
		for begin := int64(0); begin < count; begin += 1 << height {
			width := count - begin
			if width > 1<<height {
				width = 1 << height
			}
			tile := tlog.Tile{H: height, L: level, N: begin >> height, W: int(width)}
			expected, err := tlog.ReadTileData(tile, stored)
			if err != nil {
				return 0, err
			}
			name := path(tile, strconv.Itoa(level))
			found, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				return 0, err
			}
			if !bytes.Equal(found, expected) {
				return 0, fmt.Errorf("%s is not the tile of these entries", name)
			}
			checked++
		}
	}
	return checked, nil
}

// path is where a tile lies (c2sp.org/tlog-tiles): x/mod has the height in it, C2SP has not.
func path(tile tlog.Tile, level string) string {
	tile.L = 0
	return "tile/" + level + strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/0", height))
}

// checkProof checks a tlog-proof (c2sp.org/tlog-proof) of one entry.
func checkProof(file, entry, vkey string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	content, err := os.ReadFile(entry)
	if err != nil {
		return "", err
	}
	head, checkpoint, found := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != header {
		return "", errors.New("this is no tlog-proof")
	}
	lines = lines[1:]
	if strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return "", errors.New("the proof has no index")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64)
	if err != nil {
		return "", err
	}
	var proof tlog.RecordProof
	for _, line := range lines[1:] {
		var hash tlog.Hash
		data, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(data) != len(hash) {
			return "", errors.New("a line of the proof is no hash")
		}
		copy(hash[:], data)
		proof = append(proof, hash)
	}
	signed, err := open([]byte(checkpoint), vkey)
	if err != nil {
		return "", err
	}
	if err := tlog.CheckRecord(proof, signed.N, signed.Hash, index, tlog.RecordHash(content)); err != nil {
		return "", err
	}
	return fmt.Sprintf("entry %d of %d", index, signed.N), nil
}
