package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// glob lists the paths that match a pattern, in the order of names. What a part of the pattern says is taken literally where there is a file or a folder of
// just that name: in 'f/[2024] scans/*.png' the brackets are those of a folder.
func glob(pattern string) ([]string, error) {
	volume := filepath.VolumeName(pattern)
	rest := filepath.ToSlash(pattern[len(volume):])
	start := volume
	if strings.HasPrefix(rest, "/") {
		start += string(os.PathSeparator)
	}
	paths := []string{start}
	for part := range strings.SplitSeq(rest, "/") {
		if part == "" {
			continue
		}
		var next []string
		for _, folder := range paths {
			found, err := globPart(folder, part)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", pattern, err)
			}
			next = append(next, found...)
		}
		paths = next
	}
	return paths, nil
}

// globPart lists what matches a part of a pattern in a folder, "" for the current one.
func globPart(folder, part string) ([]string, error) {
	if folder != "" && !os.IsPathSeparator(folder[len(folder)-1]) {
		folder += string(os.PathSeparator)
	}
	if exists(folder + part) {
		return []string{folder + part}, nil
	}
	if !isPattern(part) {
		return nil, nil
	}
	if _, err := filepath.Match(part, ""); err != nil {
		return nil, err
	}
	of := folder
	if of == "" {
		of = "."
	}
	entries, _ := os.ReadDir(of) // what cannot be looked into has no match
	var found []string
	for _, e := range entries {
		if matches, _ := filepath.Match(part, e.Name()); matches {
			found = append(found, folder+e.Name())
		}
	}
	return found, nil
}

// isPattern says whether a text has a sign of package filepath's patterns. Windows has no sign for "literally".
func isPattern(text string) bool {
	if runtime.GOOS == "windows" {
		return strings.ContainsAny(text, "*?[")
	}
	return strings.ContainsAny(text, `*?[\`)
}
