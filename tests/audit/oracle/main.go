// A second opinion on the log, by the checksum database's own tree and note code and the cosignatures of
// transparency-dev: a reader of the log over HTTP, a witness, and somebody who submits to one.
package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("oracle read | witness | submit | key")
	}
	verb, arguments := os.Args[1], os.Args[2:]
	switch verb {
	case "read": // PREFIX LOG-KEY INDEX LEAF-HEX OLD-SIZE OLD-ROOT-HEX WITNESS-KEY...
		read(arguments)
	case "witness": // ADDRESS SIGNER-KEY LOG-KEY
		witness(arguments[0], arguments[1], arguments[2])
	case "submit": // WITNESS-URL WITNESS-KEY PREFIX LOG-KEY OLD-SIZE
		submit(arguments)
	case "key": // NAME: a signer's key and its witness's verifier key
		secret, public, err := note.GenerateKey(rand.Reader, arguments[0])
		check(err)
		verifier, err := fnote.VKeyToCosignatureV1(public)
		check(err)
		fmt.Println(secret)
		fmt.Println(verifier)
	default:
		log.Fatalf("%s is no verb", verb)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func get(url string) []byte {
	answer, err := http.Get(url)
	check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	check(err)
	if answer.StatusCode != 200 {
		log.Fatalf("%s: %s", url, answer.Status)
	}
	return body
}

// A checkpoint that was opened: its tree, and whose signatures hold.
func open(text []byte, logKey string, witnessKeys ...string) (tlog.Tree, []string) {
	verifiers := []note.Verifier{}
	verifier, err := note.NewVerifier(logKey)
	check(err)
	verifiers = append(verifiers, verifier)
	for _, key := range witnessKeys {
		cosigner, err := fnote.NewVerifierForCosignatureV1(key)
		check(err)
		verifiers = append(verifiers, cosigner)
	}
	opened, err := note.Open(text, note.VerifierList(verifiers...))
	check(err)
	names := []string{}
	for _, signature := range opened.Sigs {
		names = append(names, signature.Name)
	}
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != verifier.Name() {
		log.Fatalf("%s is another log", lines[0])
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	check(err)
	return tlog.Tree{N: size, Hash: tlog.Hash(root)}, names
}

// Tiles over HTTP; tlog checks each against the tree.
type tiles struct{ prefix string }

func (t tiles) Height() int                     { return 8 }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := [][]byte{}
	for _, tile := range wanted {
		// The checksum database writes the height into the path; tlog-tiles does not.
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		found = append(found, get(t.prefix+"/"+path))
	}
	return found, nil
}

func hash(text string) tlog.Hash {
	raw, err := hex.DecodeString(text)
	check(err)
	return tlog.Hash(raw)
}

func read(arguments []string) {
	prefix, logKey := arguments[0], arguments[1]
	index, err := strconv.ParseInt(arguments[2], 10, 64)
	check(err)
	leaf := hash(arguments[3])
	old, err := strconv.ParseInt(arguments[4], 10, 64)
	check(err)
	tree, names := open(get(prefix+"/checkpoint"), logKey, arguments[6:]...)
	reader := tlog.TileHashReader(tree, tiles{prefix})
	record, err := tlog.ProveRecord(tree.N, index, reader)
	check(err)
	check(tlog.CheckRecord(record, tree.N, tree.Hash, index, leaf))
	grown, err := tlog.ProveTree(tree.N, old, reader)
	check(err)
	check(tlog.CheckTree(grown, tree.N, tree.Hash, old, hash(arguments[5])))
	// Every leaf, so every tile of the lowest level, and with them the root anew.
	places := []int64{}
	for n := int64(0); n < tree.N; n++ {
		places = append(places, tlog.StoredHashIndex(0, n))
	}
	leaves, err := reader.ReadHashes(places)
	check(err)
	stored := []tlog.Hash{}
	for n, leaf := range leaves {
		more, err := tlog.StoredHashesForRecordHash(int64(n), leaf, tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
			out := []tlog.Hash{}
			for _, i := range at {
				out = append(out, stored[i])
			}
			return out, nil
		}))
		check(err)
		stored = append(stored, more...)
	}
	fmt.Println(tree.N, strings.Join(names, " "))
}

func witness(address, secret, logKey string) {
	signer, err := fnote.NewSignerForCosignatureV1(secret)
	check(err)
	var door sync.Mutex
	last := tlog.Tree{}
	verifier, err := note.NewVerifier(logKey)
	check(err)
	http.HandleFunc("/add-checkpoint", func(answer http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		check(err)
		head, checkpoint, _ := strings.Cut(string(body), "\n\n")
		lines := strings.Split(head, "\n")
		old, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "old "), 10, 64)
		check(err)
		opened, err := note.Open([]byte(checkpoint), note.VerifierList(verifier))
		if err != nil {
			http.Error(answer, "whose?", 403)
			return
		}
		tree, _ := open([]byte(checkpoint), logKey)
		door.Lock()
		defer door.Unlock()
		if old != last.N {
			answer.Header().Set("Content-Type", "text/x.tlog.size")
			answer.WriteHeader(409)
			fmt.Fprintf(answer, "%d\n", last.N)
			return
		}
		proof := tlog.TreeProof{}
		for _, line := range lines[1:] {
			raw, err := base64.StdEncoding.DecodeString(line)
			check(err)
			proof = append(proof, tlog.Hash(raw))
		}
		if old > 0 && tlog.CheckTree(proof, tree.N, tree.Hash, old, last.Hash) != nil {
			http.Error(answer, "no proof", 422)
			return
		}
		last = tree
		signed, err := note.Sign(&note.Note{Text: opened.Text}, signer)
		check(err)
		answer.Write(signed[len(opened.Text)+1:])
	})
	check(http.ListenAndServe(address, nil))
}

func submit(arguments []string) {
	url, witnessKey, prefix, logKey := arguments[0], arguments[1], arguments[2], arguments[3]
	old, err := strconv.ParseInt(arguments[4], 10, 64)
	check(err)
	text := get(prefix + "/checkpoint")
	tree, _ := open(text, logKey)
	body := fmt.Sprintf("old %d\n", old)
	if old > 0 && old < tree.N {
		proof, err := tlog.ProveTree(tree.N, old, tlog.TileHashReader(tree, tiles{prefix}))
		check(err)
		for _, one := range proof {
			body += one.String() + "\n"
		}
	}
	answer, err := http.Post(url+"/add-checkpoint", "text/plain", strings.NewReader(body+"\n"+string(text)))
	check(err)
	defer answer.Body.Close()
	line, err := io.ReadAll(answer.Body)
	check(err)
	if answer.StatusCode != 200 {
		fmt.Println(answer.StatusCode, answer.Header.Get("Content-Type"), strings.TrimSpace(string(line)))
		return
	}
	_, names := open(append(text, line...), logKey, witnessKey)
	fmt.Println(answer.StatusCode, tree.N, strings.Join(names, " "))
}
