package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/spinemask/spinemask/internal/core/imageio"
)

// A content is that of a file, of which there may be several pictures: it is hashed once.
type content struct {
	once sync.Once
	sum  string
}

// hash gives the SHA-256 of the file's content, "" if it cannot be read.
func (in *input) hash() string {
	in.content.once.Do(func() { in.content.sum = in.sum() })
	return in.content.sum
}

// options says how files are read.
func (f *segmentFlags) options() imageio.Options {
	o := imageio.Options{MaxPixels: f.maxPixels, IgnoreOrientation: f.exif == exifOff, KeepSamples: true, Select: f.selection(), Normalize: f.rule}
	if f.maxPixels > imageio.DefaultMaxPixels {
		o.MaxSide = int(min(f.maxPixels, math.MaxInt32)) // who asks for more may have it long
	}
	return o
}

// optionsOf says how a file is read, whose orientation may count where that of others does not.
func (f *segmentFlags) optionsOf(file input, o imageio.Options) imageio.Options {
	if stored, known := f.stored[file.path]; known {
		o.IgnoreOrientation = stored
	}
	return o
}

// filesAtOnce is the number of files that are opened together to look at what is in them: on a network, opening is waiting.
const filesAtOnce = 16

// pictures lists the pictures in the files of a run, those of a file behind each other. A file with several pictures gives inputs with names of their own, such as
// "movie.tif#t3"; one that cannot be looked into stays an input, with its error. Nothing is decoded yet.
func (f *segmentFlags) pictures(ctx context.Context, t *talk, files []input) ([]input, error) {
	o := f.options()
	inside := make([][]input, len(files))
	notes := make([]string, len(files))
	var all sync.WaitGroup
	next := make(chan int)
	for range min(filesAtOnce, len(files)) {
		all.Go(func() {
			for i := range next {
				inside[i], notes[i] = picturesOf(files[i], f.optionsOf(files[i], o))
			}
		})
	}
	for i := range files {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	all.Wait()
	if ctx.Err() != nil {
		return nil, exit(exitInterrupted)
	}
	t.sayChoices(files, notes)
	list := slices.Concat(inside...)
	t.sayNoChoice(list, f.chosen())
	return list, nil
}

// sayNoChoice says of which images the flags that choose pictures in TIFF files choose nothing.
func (t *talk) sayNoChoice(list []input, flags string) {
	others := slices.DeleteFunc(slices.Clone(list), func(in input) bool { return in.err != nil || in.format == "tiff" })
	switch n := len(others); {
	case flags == "" || n == 0:
	case n == 1:
		t.say("%s is no TIFF file: it is taken as it is, whatever %s says", others[0].name, flags)
	default:
		t.say("%d images such as %s are no TIFF files: they are taken as they are, whatever %s says", n, others[0].name, flags)
	}
}

// picturesOf lists the pictures in a file. note says what was chosen, if there was a choice.
func picturesOf(file input, o imageio.Options) (inside []input, note string) {
	file.content = &content{}
	if file.err != nil {
		return []input{file}, ""
	}
	var list []imageio.Picture
	var err error
	if file.data != nil {
		list, note, err = imageio.PicturesIn(bytes.NewReader(file.data), int64(len(file.data)), o)
	} else {
		list, note, err = imageio.Pictures(file.path, o)
	}
	if err != nil {
		file.err = err
		return []input{file}, ""
	}
	for _, p := range list {
		in := file
		in.decode, in.format, in.selection, in.label = p.Decode, p.Format, note, p.Name
		if p.Name != "" {
			in.name += pictureMark + p.Name
		}
		inside = append(inside, in)
	}
	return inside, note
}

// sayChoices says what was chosen in files with several pages, planes or channels, once for all files with the same choice.
func (t *talk) sayChoices(files []input, notes []string) {
	const most = 10
	count := map[string]int{}
	first := map[string]int{}
	for i, note := range notes {
		if note == "" {
			continue
		}
		t.detail("%s: %s", files[i].name, note)
		if count[note]++; count[note] == 1 {
			first[note] = i
		}
	}
	if t.verbose {
		return
	}
	order := slices.SortedFunc(maps.Keys(count), func(a, b string) int { return cmp.Compare(first[a], first[b]) })
	for _, note := range order[:min(most, len(order))] {
		name := files[first[note]].name
		if n := count[note]; n > 1 {
			t.say("%d files like %s: %s", n, name, note)
		} else {
			t.say("%s: %s", name, note)
		}
	}
	if more := len(order) - most; more > 0 {
		t.say("and %d more choices, see \"selection\" in %s, or -v", more, imagesFile)
	}
}

// pictureMark stands between the name of a file and that of one of its pictures.
const pictureMark = "#"

// pictureName matches the name of one picture of several in a file.
var pictureName = regexp.MustCompile(`^(.+)` + pictureMark + `([a-z]+[0-9]+(?:_[a-z]+[0-9]+)*)$`)

// stem is the name of an image without an extension, as files about it are named: "movie_t003" of "movie.tif#t3".
func stem(name string) string {
	parts := pictureName.FindStringSubmatch(name)
	if parts == nil {
		return strings.TrimSuffix(name, path.Ext(name))
	}
	file := strings.TrimSuffix(parts[1], path.Ext(parts[1]))
	for part := range strings.SplitSeq(parts[2], "_") {
		digits := strings.IndexFunc(part, unicode.IsDigit)
		file += fmt.Sprintf("_%s%03s", part[:digits], part[digits:])
	}
	return file
}
