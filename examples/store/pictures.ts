// Product pictures, drawn by hand as SVG: flat shapes before a map's contour lines.

interface Palette {
  /** Ground of the picture and the lines on it. */
  readonly ground: string;
  readonly contour: string;
}

const GROUNDS: Readonly<Record<string, Palette>> = {
  'FW-101': { ground: '#d9e2d3', contour: '#bccab3' },
  'FW-201': { ground: '#f0dcc0', contour: '#dfc49c' },
  'FW-301': { ground: '#d6dfe6', contour: '#b7c6d2' },
  'FW-401': { ground: '#f1d5c8', contour: '#e0b9a6' },
  'FW-202': { ground: '#d5d6e8', contour: '#b8bad6' },
  'FW-501': { ground: '#e6e3d4', contour: '#cfcab0' },
  'FW-601': { ground: '#cfdedb', contour: '#aec6c1' },
  'FW-502': { ground: '#e4dbe0', contour: '#cdbdc6' },
};

const DRAWINGS: Readonly<Record<string, string>> = {
  // Rucksack: roll top, lid strap, front pocket, side straps.
  'FW-101': `
    <path d="M136 150c-22 6-30 40-26 92 3 34 8 58 16 70" fill="none" stroke="#16352b" stroke-width="13" stroke-linecap="round"/>
    <path d="M264 150c22 6 30 40 26 92-3 34-8 58-16 70" fill="none" stroke="#16352b" stroke-width="13" stroke-linecap="round"/>
    <path d="M141 128h118c14 30 22 92 20 164-1 22-12 34-34 34h-90c-22 0-33-12-34-34-2-72 6-134 20-164z" fill="#2f5d4c"/>
    <path d="M259 128c14 30 22 92 20 164-1 22-12 34-34 34h-22c22-40 30-140 12-198z" fill="#254c3e"/>
    <path d="M146 92h108c8 0 13 6 12 14l-3 32H137l-3-32c-1-8 4-14 12-14z" fill="#3d7460"/>
    <rect x="138" y="86" width="124" height="17" rx="8" fill="#16352b"/>
    <path d="M178 86c0-24 44-24 44 0" fill="none" stroke="#16352b" stroke-width="9"/>
    <path d="M152 214h96v72c0 14-8 22-22 22h-52c-14 0-22-8-22-22z" fill="#3d7460"/>
    <path d="M152 214h96v20h-96z" fill="#4a8871"/><path d="M166 234h68" stroke="#16352b" stroke-width="4" stroke-linecap="round"/>
    <rect x="193" y="100" width="14" height="96" fill="#f06a2a"/><rect x="188" y="172" width="24" height="18" rx="4" fill="#16352b"/>
    <path d="M124 196l22 10M276 196l-22 10" stroke="#f06a2a" stroke-width="7" stroke-linecap="round"/>`,
  // Tent: two faces, open door, poles and guy lines.
  'FW-201': `
    <path d="M42 310l58-18M358 310l-58-18" stroke="#7b5a2c" stroke-width="3"/>
    <path d="M200 112L66 312h268z" fill="#e08a2c"/>
    <path d="M200 112l134 200h-66C250 236 226 160 200 112z" fill="#c8721b"/>
    <path d="M200 112C176 160 150 236 134 312H66z" fill="#f0a64e"/>
    <path d="M200 148c-18 46-34 108-40 164h80c-6-56-22-118-40-164z" fill="#3d2a17"/>
    <path d="M200 148c-18 46-34 108-40 164h28c-2-60 2-120 12-164z" fill="#f7ddb6"/>
    <path d="M188 98l12 16 12-16" fill="none" stroke="#3d2a17" stroke-width="7" stroke-linecap="round" stroke-linejoin="round"/>
    <path d="M58 312h284" stroke="#3d2a17" stroke-width="7" stroke-linecap="round"/>
    <circle cx="214" cy="268" r="9" fill="#ffd27a"/><path d="M214 259v-32" stroke="#8a6a3d" stroke-width="2.5"/>`,
  // Boot: shaft, laces, toe cap, lugged sole.
  'FW-301': `
    <path d="M138 92h92c4 44 12 78 34 98 22 18 54 26 66 42 8 12 10 30 8 50H118c-2-64 10-130 20-190z" fill="#8a5a36"/>
    <path d="M264 190c22 18 54 26 66 42 8 12 10 30 8 50h-58c-10-30-12-62-16-92z" fill="#754a2b"/>
    <path d="M138 92h92l3 26H134z" fill="#3b4a57"/><path d="M134 118h99" stroke="#2b3742" stroke-width="4"/>
    <path d="M118 282c0-26 2-50 5-74 34 6 58 34 62 74z" fill="#754a2b"/>
    <path d="M200 132l34-8M204 156l36-10M212 180l38-14M226 202l38-18M244 222l34-22" stroke="#f4e6cf" stroke-width="6.5" stroke-linecap="round"/>
    <path d="M234 120c-6 40 8 76 46 104" fill="none" stroke="#5d3a20" stroke-width="4"/>
    <path d="M112 280h232c4 0 6 4 6 10v18h-26v-8h-18v8h-26v-8h-18v8h-58v-8h-16v8h-26v-8h-16v8h-34z" fill="#232b31"/>
    <path d="M112 280h234v9H112z" fill="#f06a2a"/>
    <path d="M146 92c-4-20 22-20 18 0" fill="none" stroke="#f06a2a" stroke-width="7"/>`,
  // Jacket: hood, sleeves, zip, pockets.
  'FW-401': `
    <path d="M140 132l-58 44c-10 8-13 20-12 34l8 92 42-4 6-78 22-30z" fill="#b83f1c"/>
    <path d="M260 132l58 44c10 8 13 20 12 34l-8 92-42-4-6-78-22-30z" fill="#a33413"/>
    <path d="M140 128c36-14 84-14 120 0 14 60 16 132 12 196H128c-4-64-2-136 12-196z" fill="#d9512a"/>
    <path d="M202 120c20 0 40 3 58 8 14 60 16 132 12 196h-70z" fill="#c6451f"/>
    <path d="M150 126c-6-34 14-66 50-66s56 32 50 66c-32 18-68 18-100 0z" fill="#e66a41"/>
    <path d="M168 122c-3-24 10-44 32-44s35 20 32 44c-20 12-44 12-64 0z" fill="#5b1c0a"/>
    <path d="M200 130v194" stroke="#5b1c0a" stroke-width="5"/><rect x="195" y="150" width="10" height="18" rx="4" fill="#ffd8b0"/>
    <path d="M150 228l28 40M250 228l-28 40" stroke="#5b1c0a" stroke-width="5" stroke-linecap="round"/>
    <path d="M76 288l44-5 M324 288l-44-5" stroke="#5b1c0a" stroke-width="9"/>
    <path d="M128 312h144" stroke="#5b1c0a" stroke-width="6"/><path d="M222 178h26" stroke="#ffd8b0" stroke-width="5" stroke-linecap="round"/>`,
  // Sleeping bag: mummy shape, quilting, opened hood.
  'FW-202': `
    <path d="M200 62c52 0 82 34 82 84 0 30-8 62-18 98-9 34-12 60-20 76-7 13-21 18-44 18s-37-5-44-18c-8-16-11-42-20-76-10-36-18-68-18-98 0-50 30-84 82-84z" fill="#414a8c"/>
    <path d="M200 62c52 0 82 34 82 84 0 30-8 62-18 98-9 34-12 60-20 76-7 13-21 18-44 18 40-60 50-190 0-276z" fill="#353d78"/>
    <ellipse cx="200" cy="124" rx="50" ry="46" fill="#f0a64e"/><path d="M150 124c0-26 22-46 50-46s50 20 50 46c-16-14-34-20-50-20s-34 6-50 20z" fill="#272d5c"/>
    <ellipse cx="200" cy="138" rx="34" ry="24" fill="#fbe3bf"/>
    <path d="M120 172c48 22 112 22 160 0M126 208c46 20 102 20 148 0M136 244c40 17 88 17 128 0M145 280c32 13 78 13 110 0" fill="none" stroke="#272d5c" stroke-width="4"/>
    <path d="M238 184c8 44 2 92-10 140" fill="none" stroke="#f06a2a" stroke-width="5" stroke-linecap="round"/><rect x="232" y="178" width="11" height="17" rx="4" fill="#f06a2a"/>`,
  // Stove: pot, arms, burner with flames, canister.
  'FW-501': `
    <path d="M128 110h144v70c0 14-10 22-24 22h-96c-14 0-24-8-24-22z" fill="#8d9498"/>
    <path d="M222 110h50v70c0 14-10 22-24 22h-36c8-30 11-62 10-92z" fill="#757c80"/>
    <rect x="118" y="98" width="164" height="16" rx="8" fill="#5b6266"/><circle cx="200" cy="90" r="10" fill="#23292c"/>
    <path d="M282 128h52c10 0 10 16 0 16h-52z" fill="#23292c"/>
    <path d="M172 70c-8-10 8-14 0-26M200 66c-8-10 8-14 0-28M228 70c-8-10 8-14 0-26" fill="none" stroke="#fff" stroke-opacity=".75" stroke-width="5" stroke-linecap="round"/>
    <path d="M158 228c-6-14 4-20 6-30 8 8 12 14 12 22 4-8 4-16 12-24 4 12 12 16 12 26 0-10 8-14 12-26 8 8 8 16 12 24 0-8 4-14 12-22 2 10 12 16 6 30z" fill="#f06a2a"/>
    <path d="M176 228c0-8 5-10 7-16 5 6 7 10 7 16zM210 228c0-6 2-10 7-16 2 6 7 8 7 16z" fill="#ffd27a"/>
    <path d="M132 204l28 36h80l28-36" fill="none" stroke="#23292c" stroke-width="9" stroke-linejoin="round" stroke-linecap="round"/>
    <rect x="152" y="228" width="96" height="14" rx="7" fill="#3b4448"/><rect x="188" y="242" width="24" height="24" fill="#5b6266"/>
    <path d="M212 252h34" stroke="#f06a2a" stroke-width="8" stroke-linecap="round"/>
    <path d="M146 288c0-14 20-24 54-24s54 10 54 24v36c0 10-8 16-18 16h-72c-10 0-18-6-18-16z" fill="#2f5d4c"/>
    <path d="M146 296h108v18H146z" fill="#f4efe0"/>`,
  // Headlamp: strap, housing, beam.
  'FW-601': `
    <path d="M84 190c4-74 58-112 116-112s112 38 116 112" fill="none" stroke="#23494a" stroke-width="26" stroke-linecap="round"/>
    <path d="M84 190c4-74 58-112 116-112s112 38 116 112" fill="none" stroke="#f06a2a" stroke-width="5" stroke-dasharray="16 12"/>
    <path d="M84 190c0 46 28 78 58 84M316 190c0 46-28 78-58 84" fill="none" stroke="#183536" stroke-width="20" stroke-linecap="round"/>
    <path d="M156 268L96 372h208l-60-104z" fill="#fff3c4" opacity=".75"/>
    <rect x="126" y="196" width="148" height="92" rx="26" fill="#1b2a2b"/><rect x="126" y="196" width="148" height="36" rx="18" fill="#2c4243"/>
    <circle cx="182" cy="246" r="30" fill="#0f1819"/><circle cx="182" cy="246" r="22" fill="#ffe9a0"/><circle cx="182" cy="246" r="11" fill="#fff"/>
    <circle cx="237" cy="250" r="15" fill="#0f1819"/><circle cx="237" cy="250" r="9" fill="#e5442e"/>
    <rect x="246" y="186" width="24" height="15" rx="6" fill="#f06a2a"/>`,
  // Bottle: lid with loop, steel body, cork base.
  'FW-502': `
    <path d="M178 66c0-26 44-26 44 0" fill="none" stroke="#3a2733" stroke-width="10"/>
    <rect x="162" y="64" width="76" height="42" rx="10" fill="#3a2733"/><path d="M162 84h76" stroke="#573d4d" stroke-width="5"/>
    <path d="M168 106h64v16c22 10 34 26 34 54v138c0 14-8 22-22 22h-88c-14 0-22-8-22-22V176c0-28 12-44 34-54z" fill="#8c5a74"/>
    <path d="M222 106h10v16c22 10 34 26 34 54v138c0 14-8 22-22 22h-26c18-60 22-150 4-230z" fill="#764a61"/>
    <path d="M150 188c0-18 6-30 18-38" fill="none" stroke="#c493ad" stroke-width="7" stroke-linecap="round"/><path d="M150 208v50" stroke="#c493ad" stroke-width="7" stroke-linecap="round"/>
    <path d="M134 274h132v40c0 14-8 22-22 22h-88c-14 0-22-8-22-22z" fill="#c99a5f"/><path d="M134 274h132v8H134z" fill="#a97b42"/>
    <path d="M152 300h6M176 312h7M204 298h6M228 318h7M244 300h6M164 322h5" stroke="#8a6230" stroke-width="5" stroke-linecap="round"/>
    <path d="M180 222l20-34 20 34zM194 222l12-18 12 18z" fill="#f4e6ee"/>`,
};

const CONTOURS = [
  'M-20 96C60 40 120 120 210 84S360 20 430 70',
  'M-20 140C70 84 130 160 214 128S356 70 430 116',
  'M-20 186C80 132 140 204 220 174S352 122 430 164',
  'M-20 234C86 184 150 250 226 222S350 176 430 214',
  'M-20 284C90 240 156 298 232 272S350 232 430 266',
  'M-20 336C92 300 160 346 238 324S350 292 430 320',
  'M-20 50C50 -4 110 76 204 40S350 -30 430 22',
];

/** A product's picture as an SVG document. */
export function picture(sku: string): string {
  const { ground, contour } = GROUNDS[sku] ?? { ground: '#ddd', contour: '#ccc' };
  const lines = CONTOURS.map((d) => `<path d="${d}"/>`).join('');
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400"><rect width="400" height="400" fill="${ground}"/>` +
    `<g fill="none" stroke="${contour}" stroke-width="2.5">${lines}</g>` +
    `<ellipse cx="200" cy="344" rx="122" ry="14" fill="#000" opacity=".14"/>${DRAWINGS[sku] ?? ''}</svg>\n`
  );
}
