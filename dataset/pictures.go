package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spinemask/spinemask/coco"
	"github.com/spinemask/spinemask/internal/core/imageio"
)

// pictureNames are the endings of files that are taken for pictures.
var pictureNames = map[string]bool{
	".png": true, ".jpg": true, ".jpeg": true, ".jfif": true, ".bmp": true, ".tif": true, ".tiff": true,
	".webp": true, ".gif": true, ".pnm": true, ".pgm": true, ".ppm": true, ".pbm": true,
}

func isPicture(name string) bool { return pictureNames[strings.ToLower(path.Ext(name))] }

// stem is a path without the ending of its file's name.
func stem(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }

// filesIn lists the files in a folder and its sub-folders, relative to it and with
// slashes, in order. Names that begin with a dot are left out, and links to other folders.
func filesIn(folder string) (names []string, err error) {
	if folder, err = filepath.EvalSymlinks(folder); err != nil {
		return nil, err
	}
	err = filepath.WalkDir(folder, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if strings.HasPrefix(d.Name(), ".") && p != folder {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		rel, err := filepath.Rel(folder, p)
		names = append(names, filepath.ToSlash(rel))
		return err
	})
	return names, err
}

// A Finder finds the pictures of a data set in a folder by their names: as they are,
// and else in the ways of coco.FileNames, in all sub-folders.
type Finder struct {
	folder string
	names  []string
	index  *coco.FileNames
}

// NewFinder makes a finder of a folder.
func NewFinder(folder string) *Finder { return &Finder{folder: folder} }

// Find gives the path of a picture.
func (f *Finder) Find(name string) (string, error) {
	if p := filepath.Join(f.folder, filepath.FromSlash(name)); isFile(p) {
		return p, nil
	}
	if f.index == nil {
		all, err := filesIn(f.folder)
		if err != nil {
			return "", err
		}
		for _, n := range all {
			if isPicture(n) {
				f.names = append(f.names, n)
			}
		}
		f.index = coco.NewFileNames(f.names)
	}
	found, _ := f.index.Find(name)
	switch len(found) {
	case 0:
		return "", fmt.Errorf("there is no picture %s in %s", name, f.folder)
	case 1:
		return filepath.Join(f.folder, filepath.FromSlash(f.names[found[0]])), nil
	}
	return "", fmt.Errorf("%s could be %s or %s in %s", name, f.names[found[0]], f.names[found[1]], f.folder)
}

func isFile(p string) bool {
	st, err := os.Stat(p)
	return err == nil && st.Mode().IsRegular()
}

// measure reads the size of a picture's file. An image whose size the data set does not
// say gets that, upright. ok reports whether the picture can be used; if not, measure
// notes why.
func (s *Set) measure(im *Image) (shape imageio.Shape, ok bool) {
	shape, err := imageio.ShapeOf(im.Path, imageio.Options{})
	if err != nil {
		s.fault("file-unreadable", im.Place, "%s: %v", im.Path, plain(err))
		return shape, false
	}
	w, h := shape.Upright()
	if int64(w)*int64(h) > imageio.DefaultMaxPixels || max(w, h) > imageio.DefaultMaxSide {
		s.fault("file-too-large", im.Place, "%s has %d×%d pixels (width × height), at most %d are read", im.Path, w, h, imageio.DefaultMaxPixels)
		return shape, false
	}
	if im.Width == 0 || im.Height == 0 {
		im.Width, im.Height = w, h
	}
	switch {
	case im.Width == w && im.Height == h:
	case im.Width == shape.Width && im.Height == shape.Height:
		im.AsStored = true
	default:
		s.fault("size-differs", im.Place, "%s has %d×%d pixels (width × height), its objects were marked in %d×%d", im.Path, w, h, im.Width, im.Height)
		return shape, false
	}
	return shape, true
}

// plain is the reason of an error without the prefix of package imageio, and without the
// name of a file that is not there.
func plain(err error) string {
	var missing *fs.PathError
	if errors.As(err, &missing) {
		return missing.Err.Error()
	}
	return strings.TrimPrefix(err.Error(), "imageio: ")
}

// settle measures the pictures, drops those that cannot be used, and decides about those
// of which no size tells whether they are annotated upright or as they are stored:
// squares, and pictures upside down. They follow the others if those agree, else stored
// decides.
func (s *Set) settle(stored bool) {
	kept := s.Images[:0]
	var unclear []int
	upright, asStored := 0, 0
	for _, im := range s.Images {
		shape, ok := s.measure(&im)
		if !ok {
			continue
		}
		switch {
		case !shape.Turns():
		case im.AsStored:
			asStored++
		case shape.Orientation >= 5 && shape.Width != shape.Height:
			upright++
		default:
			unclear = append(unclear, len(kept))
		}
		kept = append(kept, im)
	}
	s.Images = kept
	if upright > 0 && asStored == 0 {
		stored = false
	} else if asStored > 0 && upright == 0 {
		stored = true
	}
	for _, i := range unclear {
		s.Images[i].AsStored = stored
	}
}
