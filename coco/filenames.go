package coco

import (
	"path"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// FileNames finds images by what people call their files: with folders or without, with Windows' backslashes, in another
// case or another Unicode normal form than on the disk, with another ending or with none, or as a number without the zeros
// before it.
type FileNames struct {
	names []string
	index []map[string][]int // per level: the names by their form there; nil: not made yet
}

// NewFileNames makes an index of names, which it keeps.
func NewFileNames(names []string) *FileNames {
	return &FileNames{names: names, index: make([]map[string][]int, len(nameForms))}
}

// nameForms are the forms in which names are compared, from the strictest to the loosest.
var nameForms = []func(string) string{
	cleanPath,
	path.Base,
	strings.ToLower,
	func(s string) string { return strings.ToLower(path.Base(s)) },
	stem,
	func(s string) string { return stem(path.Base(s)) },
	func(s string) string { return strings.ToLower(stem(path.Base(s))) },
	func(s string) string { return plainNumber(stem(path.Base(s))) },
}

// Find returns the indexes of the names that name means: those equal to it at the strictest level where there are any.
// Of several that share a base name, those with the most folders in common with name count. level is 0 for a name that is
// equal but for slashes and normal form, and greater the less the two have in common.
func (f *FileNames) Find(name string) (found []int, level int) {
	name = cleanPath(name)
	for level, form := range nameForms {
		if f.index[level] == nil {
			f.index[level] = map[string][]int{}
			for i, s := range f.names {
				key := form(cleanPath(s))
				f.index[level][key] = append(f.index[level][key], i)
			}
		}
		if key := form(name); key != "" && key != "." {
			if found := f.index[level][key]; len(found) > 0 {
				return f.nearest(found, name), level
			}
		}
	}
	return nil, len(nameForms)
}

// nearest keeps the names that share the most folders with name, counted from the end.
func (f *FileNames) nearest(found []int, name string) []int {
	if len(found) == 1 {
		return found
	}
	var best []int
	most := -1
	for _, i := range found {
		n := commonFolders(cleanPath(f.names[i]), name)
		if n > most {
			best, most = nil, n
		}
		if n == most {
			best = append(best, i)
		}
	}
	return best
}

// commonFolders counts the folders, from the last on, that two paths have in common.
func commonFolders(a, b string) (n int) {
	as, bs := strings.Split(path.Dir(a), "/"), strings.Split(path.Dir(b), "/")
	for n < len(as) && n < len(bs) && strings.EqualFold(as[len(as)-1-n], bs[len(bs)-1-n]) {
		n++
	}
	return n
}

// cleanPath brings a path to slashes and to Unicode's composed form (NFC), which macOS decomposes.
func cleanPath(s string) string {
	if s == "" {
		return ""
	}
	return path.Clean(norm.NFC.String(strings.ReplaceAll(s, `\`, "/")))
}

// stem is a path without the ending of its file name.
func stem(s string) string { return strings.TrimSuffix(s, path.Ext(s)) }

// plainNumber is a number without the zeros before it, "" for any other text.
func plainNumber(s string) string {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	if s = strings.TrimLeft(s, "0"); s == "" {
		return "0"
	}
	return s
}
