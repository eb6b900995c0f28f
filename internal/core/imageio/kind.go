package imageio

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
)

// HeadSize is the number of first bytes of a file that its kind is told by; the last is the magic number of NIfTI.
const HeadSize = 348

// An unreadKind is a kind of file that people have among their pictures, and that is not read.
type unreadKind struct {
	name  string
	help  string   // what to do about it; IN is the file, OUT a name of the result
	exts  string   // extensions of file names, in lower case
	magic []string // first bytes; '?' stands for any byte
}

// Commands that convert many kinds.
const (
	magick    = "convert it with: magick IN OUT.png"        // ImageMagick
	bfconvert = "convert it with: bfconvert IN OUT.ome.tif" // command line tools of Bio-Formats
	dcraw     = "convert it with: dcraw -T IN"
	dcrawEmu  = "convert it with: dcraw_emu -T IN" // of LibRaw, which knows newer cameras
	heif      = "convert it with: heif-convert IN OUT.png"
	openJPEG  = "convert it with: opj_decompress -i IN -o OUT.tif"
	openSlide = "convert it with: vips copy IN OUT.tif" // libvips with OpenSlide
	oiio      = "convert it with: oiiotool IN -o OUT.tif"
	asTIFF    = "save the image in it as TIFF"
	video     = "videos are read by: spinemask video IN"
	unpack    = "unpack it first"
)

// unread is in order: the general ones, such as all that begin as MP4 videos do, stand behind the special ones.
var unread = []unreadKind{
	// Phones, cameras, the web.
	{"HEIC", heif, ".heic .hif", []string{"????ftyphei", "????ftyphev"}},
	{"HEIF", heif, ".heif", []string{"????ftypmif1", "????ftypmsf1"}},
	{"AVIF", "convert it with: avifdec IN OUT.png", ".avif .avifs", []string{"????ftypavif", "????ftypavis"}},
	{"JPEG XL", "convert it with: djxl IN OUT.png", ".jxl", []string{"\xff\x0a", "\x00\x00\x00\x0cJXL \r\n\x87\n"}},
	{"JPEG XR", "convert it with: JxrDecApp -i IN -o OUT.tif", ".jxr .wdp .hdp", []string{"II\xbc"}},
	{"QOI", magick, ".qoi", []string{"qoif"}},
	{"icon", magick, ".ico .cur", []string{"\x00\x00\x01\x00?\x00"}},

	// Raw pictures of cameras. Many are TIFF files inside, of which only a small preview could be shown.
	{"Canon CR2 raw", dcraw, ".cr2", []string{canonCR2}},
	{"Canon CR3 raw", dcrawEmu, ".cr3", []string{"????ftypcrx "}},
	{"Canon CRW raw", dcraw, ".crw", []string{"II????HEAPCCDR"}},
	{"Fujifilm raw", dcraw, ".raf", []string{"FUJIFILMCCD-RAW"}},
	{"Olympus raw", dcraw, ".orf", []string{"IIRO", "IIRS", "MMOR"}},
	{"Panasonic raw", dcraw, ".rw2 .rwl .raw", []string{"IIU\x00"}},
	{"Sigma raw", dcrawEmu, ".x3f", []string{"FOVb"}},
	{"Minolta raw", dcraw, ".mrw", []string{"\x00MRM"}},
	{"Nikon raw", dcraw, ".nef .nrw", nil},
	{"Sony raw", dcraw, ".arw .srf .sr2", nil},
	{"camera raw", dcraw, ".pef .srw .3fr .fff .iiq .kdc .dcr .erf .mef .mos .k25", nil},

	// Microscopes and slide scanners.
	{"Zeiss CZI", bfconvert, ".czi", []string{"ZISRAWFILE"}},
	{"Nikon ND2", bfconvert, ".nd2", []string{"\xda\xce\xbe\x0a"}},
	{"Leica LIF", bfconvert, ".lif .lof .xlif", []string{"p\x00\x00\x00????*"}},
	{"Olympus OIF", bfconvert, ".oif .oir", []string{"OLYMPUSRAWFORMAT", "\xff\xfe[\x00F\x00i\x00l\x00e\x00"}},
	{"OLE (Olympus OIB, Zeiss ZVI)", bfconvert, ".oib .zvi .ipw", []string{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"}},
	{"Olympus VSI", bfconvert, ".vsi .ets", []string{"SIS\x00"}},
	{"DeltaVision", bfconvert, ".dv .r3d", nil},
	{"MetaMorph ND", bfconvert, ".nd", nil},
	{"Imaris", bfconvert, ".ims", nil},
	{"Gatan", bfconvert, ".dm3 .dm4", []string{"\x00\x00\x00\x03????\x00\x00\x00\x01", "\x00\x00\x00\x04????????\x00\x00\x00\x01"}},
	{"MRC", bfconvert, ".mrc .rec", []string{after(208, "MAP ")}},
	{"ICS", bfconvert, ".ics .ids", []string{"\t\nics_version"}},
	{"Princeton SPE", bfconvert, ".spe", nil},
	{"Andor SIF", bfconvert, ".sif", []string{"Andor Technology"}},
	{"Volocity", bfconvert, ".mvd2 .liff", nil},
	{"Leica LEI", bfconvert, ".lei", nil},
	{"Hamamatsu CXD", bfconvert, ".cxd", nil},
	{"IPLab", bfconvert, ".ipl .ipm", nil},
	{"MIRAX and Hamamatsu VMS", openSlide, ".mrxs .vms .vmu", nil},
	{"OME-Zarr", asTIFF, ".zarr .n5", nil},

	// Medicine, astronomy, arrays.
	{"DICOM", "convert it with: dcm2pnm --write-png IN OUT.png", ".dcm .dicom .ima", []string{after(128, "DICM")}},
	{"NIfTI", bfconvert, ".nii", []string{after(344, "n+1\x00"), after(344, "ni1\x00")}},
	{"MetaImage", bfconvert, ".mha .mhd", []string{"ObjectType = Image"}},
	{"NRRD", bfconvert, ".nrrd .nhdr", []string{"NRRD000"}},
	{"FITS", bfconvert, ".fits .fit .fts", []string{"SIMPLE  ="}},
	{"HDF5", asTIFF + "; of Imaris: " + bfconvert, ".h5 .hdf5 .hdf", []string{"\x89HDF\r\n\x1a\n"}},
	{"NumPy", asTIFF, ".npy", []string{"\x93NUMPY"}},

	// Graphics.
	{"JPEG 2000", openJPEG, ".jp2 .j2k .jpf .jpx .j2c .jpc .jpm", []string{"????jP  \r\n\x87\n", "\xff\x4f\xff\x51"}},
	{"Photoshop", "convert it with: magick 'IN[0]' OUT.png", ".psd .psb", []string{"8BPS"}},
	{"PDF", "convert it with: pdftoppm -png -r 300 IN OUT", ".pdf", []string{"%PDF"}},
	{"PostScript", "convert it with: gs -o OUT.png -sDEVICE=png16m -r300 IN", ".ps .eps", []string{"%!PS", "\xc5\xd0\xd3\xc6"}},
	{"SVG", "convert it with: rsvg-convert -o OUT.png IN", ".svg .svgz", []string{"<svg", "<?xml version=\"1.0\"?><svg"}},
	{"OpenEXR", oiio, ".exr", []string{"v/1\x01"}},
	{"Radiance HDR", oiio, ".hdr", []string{"#?RADIANCE", "#?RGBE"}},
	{"PFM", magick, ".pfm", []string{"PF\n", "Pf\n", "PF4\n"}},
	{"PAM", magick, ".pam", []string{"P7\n"}},
	{"GIMP", magick, ".xcf", []string{"gimp xcf"}},
	{"DDS", magick, ".dds", []string{"DDS "}},
	{"SGI", magick, ".sgi .rgb .bw", []string{"\x01\xda\x00\x01", "\x01\xda\x00\x02", "\x01\xda\x01\x01", "\x01\xda\x01\x02"}},
	{"Sun raster", magick, ".ras", []string{"\x59\xa6\x6a\x95"}},
	{"PCX", magick, ".pcx", []string{"\x0a\x05\x01\x01", "\x0a\x05\x01\x08"}},
	{"JBIG2", "convert it with: jbig2dec -o OUT.png IN", ".jb2 .jbig2", []string{"\x97JB2\r\n\x1a\n"}},
	{"DjVu", "convert it with: ddjvu -format=tiff IN OUT.tif", ".djvu .djv", []string{"AT&TFORM"}},
	{"Truevision TGA", magick, ".tga .icb .vda .vst", nil},

	// Videos.
	{"AVI", video, ".avi", []string{"RIFF????AVI "}},
	{"Matroska and WebM", video, ".mkv .webm", []string{"\x1a\x45\xdf\xa3"}},
	{"MPEG", video, ".mpg .mpeg", []string{"\x00\x00\x01\xba", "\x00\x00\x01\xb3"}},
	{"Windows Media", video, ".wmv .asf", []string{"\x30\x26\xb2\x75\x8e\x66\xcf\x11"}},
	{"MP4 and QuickTime", video, ".mp4 .m4v .mov .qt .3gp", []string{"????ftyp", "????moov", "????mdat"}},

	// What is saved by mistake.
	{"Git LFS pointer", "git lfs pull fetches what they stand for", "", []string{"version https://git-lfs"}},
	{"HTML", "perhaps a download went wrong", ".html .htm", []string{"<!DOCTYPE html", "<!doctype html", "<html", "<HTML", "\n<!DOCTYPE html", "\n<!doctype html"}},
	{"ZIP", unpack, ".zip", []string{"PK\x03\x04"}},
	{"gzip", unpack, ".gz .tgz", []string{"\x1f\x8b\x08"}},
	{"bzip2", unpack, ".bz2", []string{"BZh91AY&SY"}},
	{"XZ", unpack, ".xz", []string{"\xfd7zXZ\x00"}},
	{"7-Zip", unpack, ".7z", []string{"7z\xbc\xaf\x27\x1c"}},
}

// Files with these names may begin as TIFF or JPEG files, and show a small preview or nothing of use.
const previewNames = ".nef .nrw .arw .srf .sr2 .pef .srw .3fr .fff .iiq .kdc .dcr .erf .mef .mos .k25 .mrxs .vms .vmu .vsi"

const canonCR2 = "II*\x00????CR" // begins as TIFF does

// after gives first bytes that stand behind n others.
func after(n int, magic string) string { return strings.Repeat("?", n) + magic }

// Error says what a file of the kind is and what to do.
func (u unreadKind) Error() string { return u.name + " files are not read; " + u.help }

// begins tells whether a file with these first bytes is of a kind.
func begins(head []byte, magic []string) bool {
	return slices.ContainsFunc(magic, func(m string) bool { return match(m, head) })
}

// KindOf tells what kind of picture, or of file that people have among their pictures, begins with head, of which HeadSize bytes are enough; "" is none that is
// known. readable says whether [Decode] knows the kind.
func KindOf(head []byte) (kind string, readable bool) {
	if f, err := formatOf(head); err == nil {
		return f.name, true
	} else if u := (unreadKind{}); errors.As(err, &u) {
		return u.name, false
	}
	return "", false
}

// KindOfFile tells what kind of picture lies in a file by its name and its first bytes, as [Open] does: "" is none that is known, and none are videos and
// archives. readable says whether Open knows the kind.
func KindOfFile(path string, head []byte) (kind string, readable bool) {
	u := namedAs(path)
	f, err := formatOf(head)
	switch {
	case err == nil && (f.name == "tiff" || f.name == "jpeg") && hasExt(path, previewNames): // its preview
	case err == nil:
		return f.name, true
	default:
		errors.As(err, &u)
	}
	if u.help == video || u.help == unpack {
		return "", false
	}
	return u.name, false
}

// UnreadName gives the kind of file that is not read and has names such as this one; "" if there is none.
func UnreadName(path string) (kind string) { return namedAs(path).name }

// namedAs is the unread kind that the extension of a name stands for, or the zero value.
func namedAs(path string) unreadKind {
	for _, u := range unread {
		if hasExt(path, u.exts) {
			return u
		}
	}
	return unreadKind{}
}

// hasExt tells whether the extension of a name is one of several.
func hasExt(path, exts string) bool {
	return slices.Contains(strings.Fields(exts), strings.ToLower(filepath.Ext(path)))
}
