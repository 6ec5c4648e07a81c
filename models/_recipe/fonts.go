// Command fonts writes the Go fonts (golang.org/x/image/font/gofont) as TrueType files, so that the
// Python recipe can render with them: go run models/_recipe/fonts.go DIR
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/gobolditalic"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/gomedium"
	"golang.org/x/image/font/gofont/gomediumitalic"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/gofont/gomonobolditalic"
	"golang.org/x/image/font/gofont/gomonoitalic"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/gofont/gosmallcaps"
	"golang.org/x/image/font/gofont/gosmallcapsitalic"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: fonts DIR")
		os.Exit(2)
	}
	fonts := map[string][]byte{
		"bold": gobold.TTF, "bolditalic": gobolditalic.TTF, "italic": goitalic.TTF,
		"medium": gomedium.TTF, "mediumitalic": gomediumitalic.TTF, "mono": gomono.TTF,
		"monobold": gomonobold.TTF, "monobolditalic": gomonobolditalic.TTF, "monoitalic": gomonoitalic.TTF,
		"regular": goregular.TTF, "smallcaps": gosmallcaps.TTF, "smallcapsitalic": gosmallcapsitalic.TTF,
	}
	for name, ttf := range fonts {
		if err := os.WriteFile(filepath.Join(os.Args[1], name+".ttf"), ttf, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
