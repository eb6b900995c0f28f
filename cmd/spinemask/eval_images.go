package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/cocoeval"
	"github.com/spinemask/spinemask/internal/core/imageio"
)

// exifAuto turns an image if only its upright size is that of the data set.
const exifAuto = "auto"

// annotatedFiles are the files of a data set's images in a folder.
type annotatedFiles struct {
	*annotated
	folder  string
	paths   []string // of the images that were found, in the order of the data set
	of      []int    // the index of each one's image
	missing []int    // indexes of the images without a file
}

// findFiles looks for the file of every image of a data set: under its name in the folder; else, among all pictures in the
// folder and its sub-folders, by the name in other forms and without its folders.
func findFiles(a *annotated, folder string) (*annotatedFiles, error) {
	a.byPath = map[string]int64{}
	f := &annotatedFiles{annotated: a, folder: folder}
	if st, err := os.Stat(folder); err != nil {
		return nil, reason(folder, err)
	} else if !st.IsDir() {
		return nil, fmt.Errorf("%s: not a folder", folder)
	}
	wanted := a.fileNames()
	type match struct {
		path  string
		level int
	}
	matches := make([]match, len(wanted))
	owners := map[string][]int{} // of each file: the images, those with the closest name
	var inside *coco.FileNames
	var names []string
	seen := map[int64]bool{}
	for i, name := range wanted {
		if id := a.data.Images[i].ID; seen[id] {
			continue // an id that comes twice is one image
		} else {
			seen[id] = true
		}
		m := match{path: filepath.Join(folder, filepath.FromSlash(name))}
		if st, err := os.Stat(m.path); err != nil || !st.Mode().IsRegular() {
			if inside == nil {
				var err error
				if names, err = picturesIn(folder); err != nil {
					return nil, err
				}
				inside = coco.NewFileNames(names)
			}
			found, level := inside.Find(name)
			switch {
			case len(found) == 0:
				f.missing = append(f.missing, i)
				continue
			case len(found) > 1:
				return nil, fmt.Errorf("%s: %s could be %s or %s in %s", a.data.File, a.image(i), names[found[0]], names[found[1]], folder)
			}
			m = match{filepath.Join(folder, filepath.FromSlash(names[found[0]])), level + 1}
		}
		matches[i] = m
		if o := owners[m.path]; len(o) > 0 && matches[o[0]].level > m.level {
			f.missing, owners[m.path] = append(f.missing, o...), []int{i}
		} else if len(o) == 0 || matches[o[0]].level == m.level {
			owners[m.path] = append(o, i)
		} else {
			f.missing = append(f.missing, i)
		}
	}
	for i, m := range matches {
		if o := owners[m.path]; len(o) > 1 {
			return nil, a.sameImage(m.path, o)
		} else if len(o) == 1 && o[0] == i {
			f.paths, f.of = append(f.paths, m.path), append(f.of, i)
			a.byPath[m.path] = a.data.Images[i].ID
		}
	}
	return f, nil
}

// picturesIn lists the files in a folder and its sub-folders that are named as pictures are, with slashes.
func picturesIn(folder string) (names []string, err error) {
	if real, err := filepath.EvalSymlinks(folder); err == nil {
		folder = real // WalkDir does not follow a link
	}
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return reason(path, err)
		}
		if d.IsDir() || !imageNames[strings.ToLower(filepath.Ext(path))] {
			return nil
		}
		rel, err := filepath.Rel(folder, path)
		names = append(names, filepath.ToSlash(rel))
		return err
	})
	return names, err
}

// without is the error about images whose files are not there.
func (f *annotatedFiles) without() error {
	var names []string
	for _, i := range f.missing {
		names = append(names, f.image(i))
	}
	err := fmt.Errorf("%d of %d images of %s are not in %s: %s", len(f.missing), len(f.missing)+len(f.paths), f.data.File, f.folder, some(names, 5))
	hint := "looked for file_name as it is, then without folders, in any case and Unicode form, and with other endings, in all sub-folders"
	if len(f.paths) > 0 {
		hint += "; --allow-missing evaluates the others"
	}
	return hinted{err, hint}
}

// orient decides which images are taken as they are stored: by the path of each. With auto those are turned of which only
// the upright size is that of the data set; where no size tells, as of squares, the others decide if they agree. It warns
// of sizes that fit neither way, and of orientations that nothing tells.
func (f *annotatedFiles) orient(t *talk, exif string, o imageio.Options) (stored map[string]bool, warnings []cocoeval.Warning) {
	stored = map[string]bool{}
	var turned, asTheyAre, unclear, exchanged, other []int // indexes of paths
	for n, path := range f.paths {
		im := &f.data.Images[f.of[n]]
		stored[path] = exif != exifOn
		shape, err := imageio.ShapeOf(path, o)
		if err != nil {
			continue // it will be told when it is read
		}
		w, h := shape.Upright()
		known := im.Width > 0 && im.Height > 0
		asStored, asShown := shape.Width == im.Width && shape.Height == im.Height, w == im.Width && h == im.Height
		switch {
		case known && !asStored && !asShown:
			other = append(other, n)
		case !shape.Turns():
		case !known || asStored && asShown:
			unclear = append(unclear, n)
		case asShown:
			turned = append(turned, n)
		default:
			asTheyAre = append(asTheyAre, n)
		}
	}
	switch {
	case exif == exifOn:
		exchanged, unclear = asTheyAre, nil
	case exif == exifOff:
		exchanged, unclear = turned, nil
	case len(turned) > 0 && len(asTheyAre) == 0:
		turned, unclear = append(turned, unclear...), nil
	case len(turned) == 0 && len(asTheyAre) > 0:
		unclear = nil
	}
	if exif == exifAuto && len(turned) > 0 {
		for _, n := range turned {
			stored[f.paths[n]] = false
		}
		t.line("%d images are turned upright by their EXIF orientation, because the data set has them so: %s", len(turned), some(f.names(turned), 5))
	}
	add := func(code, text string, list []int) {
		if len(list) > 0 {
			warnings = append(warnings, cocoeval.Warning{Code: code, Count: len(list), Text: text, Examples: f.names(list[:min(len(list), 10)])})
		}
	}
	add("exif-unclear", "images with an EXIF orientation of which no size tells whether the annotations follow it; taken as stored, --exif on turns them", unclear)
	add("exif-orientation", "images whose height and width the data set has exchanged because of their EXIF orientation; --exif auto follows it", exchanged)
	add("picture-size", "images of another size than the data set says", other)
	return stored, warnings
}

// names names the images of some of the paths.
func (f *annotatedFiles) names(list []int) (names []string) {
	for _, n := range list {
		names = append(names, f.image(f.of[n]))
	}
	return names
}
