// Opens the note on standard input with the verifier keys in the arguments, by golang.org/x/mod,
// and prints how many signatures hold and how many lines are of keys it does not know.
package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/mod/sumdb/note"
)

func main() {
	message, err := io.ReadAll(os.Stdin)
	check(err)
	var known []note.Verifier
	for _, key := range os.Args[1:] {
		verifier, err := note.NewVerifier(key)
		check(err)
		known = append(known, verifier)
	}
	opened, err := note.Open(message, note.VerifierList(known...))
	check(err)
	fmt.Println(len(opened.Sigs), len(opened.UnverifiedSigs))
	fmt.Print(opened.Text)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
