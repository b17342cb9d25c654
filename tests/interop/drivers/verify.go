// Check a log in a folder with golang.org/x/mod: note, tiles, inclusion, consistency.
//
//	verify FOLDER LOG_VKEY OLD_SIZE OLD_ROOT [COSIGNER_NAME COSIGNER_KEY_HEX]
//
// Prints the names that signed, and one line for what was proven.
package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// cosigner verifies cosignature/v1, which x/mod does not know: key type 04.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 72 {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig[:8]))
	return ed25519.Verify(c.key, append([]byte(head), msg...), sig[8:])
}

// folder reads tiles without the height in their path, as C2SP has them.
type folder string

func (f folder) Height() int                         { return 8 }
func (f folder) SaveTiles([]tlog.Tile, [][]byte)     {}
func (f folder) ReadTiles(tiles []tlog.Tile) (all [][]byte, err error) {
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func must(err error) {
	if err != nil {
		fmt.Println("REFUSED", err)
		os.Exit(1)
	}
}

func main() {
	root, args := os.Args[1], os.Args[2:]
	log, err := note.NewVerifier(args[0])
	must(err)
	verifiers := []note.Verifier{log}
	for i := 3; i < len(args); i += 3 {
		hash, _ := strconv.ParseUint(args[i+1], 16, 32)
		key, _ := hex.DecodeString(args[i+2])
		verifiers = append(verifiers, cosigner{args[i], uint32(hash), key})
	}
	raw, err := os.ReadFile(filepath.Join(root, "checkpoint"))
	must(err)
	opened, err := note.Open(raw, note.VerifierList(verifiers...))
	must(err)
	for _, sig := range opened.Sigs {
		fmt.Println("signed", sig.Name)
	}
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	hash, err := tlog.ParseHash(lines[2])
	must(err)
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: hash}, folder(root))
	leaves := 0
	for n := int64(0); n*256 < size; n++ {
		tile := tlog.Tile{H: 8, L: -1, N: n, W: int(min(256, size-n*256))}
		path := strings.Replace(tile.Path(), "tile/8/data", "tile/entries", 1)
		data, err := os.ReadFile(filepath.Join(root, path))
		must(err)
		for i := n * 256; len(data) > 0; i++ {
			end := 2 + int(binary.BigEndian.Uint16(data))
			proof, err := tlog.ProveRecord(size, i, reader)
			must(err)
			must(tlog.CheckRecord(proof, size, hash, i, tlog.RecordHash(data[2:end])))
			data, leaves = data[end:], leaves+1
		}
	}
	old, _ := strconv.ParseInt(args[1], 10, 64)
	decoded, err := base64.StdEncoding.DecodeString(args[2])
	must(err)
	var oldHash tlog.Hash
	copy(oldHash[:], decoded)
	proof, err := tlog.ProveTree(size, old, reader)
	must(err)
	must(tlog.CheckTree(proof, size, hash, old, oldHash))
	fmt.Println("proven", leaves, "of", size)
}

func min(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}
