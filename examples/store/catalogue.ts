// What the demo store sells.

export interface Product {
  readonly sku: string;
  readonly slug: string;
  readonly name: string;
  readonly category: string;
  readonly price: number;
  /** How many there are; many unless it says so, none when it is sold out. */
  readonly stock?: number;
  /** Whether it comes in sizes, and so has a size chart. */
  readonly sizes?: readonly (readonly [string, string])[];
  readonly line: string;
  readonly description: string;
  readonly facts: readonly (readonly [string, string])[];
}

export const CURRENCY = 'EUR';
export const FREE_SHIPPING_FROM = 150;
export const SHIPPING = 6.9;
export const BRAND = 'Fernweh';

export const PRODUCTS: readonly Product[] = [
  {
    sku: 'FW-101',
    slug: 'karst-38',
    name: 'Karst 38 rucksack',
    category: 'Rucksacks',
    price: 149.95,
    line: 'Three days, one bag',
    description: 'A roll-top pack with a frame that carries like a bigger one. Opens flat along the back, so the thing at the bottom is never at the bottom.',
    facts: [['Volume', '38 litres'], ['Weight', '1,180 g'], ['Fabric', '210 D recycled nylon'], ['Back length', '44 to 53 cm']],
  },
  {
    sku: 'FW-201',
    slug: 'lumen-2',
    name: 'Lumen 2 tent',
    category: 'Tents',
    price: 329,
    line: 'Up in four minutes, alone, in wind',
    description: 'Two doors, two porches and one continuous pole. Pitches outer first, so the inside stays dry when you arrive in rain.',
    facts: [['Sleeps', '2'], ['Packed weight', '1,940 g'], ['Water column', '3,000 mm'], ['Floor', '135 × 220 cm']],
  },
  {
    sku: 'FW-301',
    slug: 'gratweg-mid',
    name: 'Gratweg Mid boots',
    category: 'Footwear',
    price: 189,
    line: 'For scree, roots and the last hour',
    description: 'A stitched leather boot that can be resoled twice. Stiff where the rock is, soft where the ankle is.',
    facts: [['Upper', 'Nubuck, 2.2 mm'], ['Sole', 'Resoleable rubber'], ['Weight', '1,240 g the pair'], ['Sizes', '36 to 48']],
    sizes: [['38', '24.0 cm'], ['40', '25.4 cm'], ['42', '26.7 cm'], ['44', '28.0 cm'], ['46', '29.4 cm']],
  },
  {
    sku: 'FW-401',
    slug: 'foehn-shell',
    name: 'Föhn shell jacket',
    category: 'Clothing',
    price: 239,
    line: 'Rain out, heat out',
    description: 'Three layers without the crackle. The hood turns with your head and the pockets stay clear of a hip belt.',
    facts: [['Water column', '20,000 mm'], ['Weight', '390 g'], ['Fit', 'Over a mid layer'], ['Free of', 'PFAS']],
    sizes: [['S', 'Chest 92 cm'], ['M', 'Chest 98 cm'], ['L', 'Chest 104 cm'], ['XL', 'Chest 111 cm']],
  },
  {
    sku: 'FW-202',
    slug: 'nachtfalter',
    name: 'Nachtfalter sleeping bag',
    category: 'Sleeping bags',
    price: 219,
    stock: 0,
    line: 'Warm to four below',
    description: 'Traceable down, a collar that seals and a zip that does not bite. Stows to the size of a loaf.',
    facts: [['Comfort', '1 °C'], ['Limit', '−4 °C'], ['Weight', '860 g'], ['Fill', '700 cuin down']],
  },
  {
    sku: 'FW-501',
    slug: 'glut',
    name: 'Glut camp stove',
    category: 'Camp kitchen',
    price: 79.95,
    line: 'A litre boils in 3:20',
    description: 'A wide burner with a real simmer, for food that is cooked rather than heated. The windscreen folds into the lid.',
    facts: [['Output', '2,800 W'], ['Weight', '240 g'], ['Fuel', 'Screw-on canister'], ['Pot', 'up to 22 cm']],
  },
  {
    sku: 'FW-601',
    slug: 'irrlicht-400',
    name: 'Irrlicht 400 headlamp',
    category: 'Tools',
    price: 54.95,
    stock: 3,
    line: 'Red first, so nobody wakes',
    description: 'Starts in red, always. One knob that works with gloves, and a battery you can replace in ten years.',
    facts: [['Light', '400 lumens'], ['Runs', '9 to 120 hours'], ['Weight', '78 g'], ['Charges by', 'USB-C']],
  },
  {
    sku: 'FW-502',
    slug: 'quell-1l',
    name: 'Quell steel bottle, 1 l',
    category: 'Camp kitchen',
    price: 29.95,
    line: 'Still hot at the summit',
    description: 'Double-walled steel with a lid that pours without coming off. The base takes knocks in a sleeve of cork.',
    facts: [['Hot for', '18 hours'], ['Cold for', '30 hours'], ['Weight', '410 g'], ['Mouth', '48 mm']],
  },
];

export const CATEGORIES: readonly string[] = [...new Set(PRODUCTS.map((product) => product.category))];

const PLENTY = 40;

/** How many of a product there are. */
export function stockOf(product: Product): number {
  return product.stock ?? PLENTY;
}

/** The products whose name, category or line has every word of the query; none for an empty one. */
export function search(query: string): readonly Product[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  return PRODUCTS.filter(({ name, category, line }) => {
    const text = `${name} ${category} ${line}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

export function bySku(sku: string): Product | undefined {
  return PRODUCTS.find((product) => product.sku === sku);
}

const format = new Intl.NumberFormat('en-IE', { style: 'currency', currency: CURRENCY });
const whole = new Intl.NumberFormat('en-IE', { style: 'currency', currency: CURRENCY, maximumFractionDigits: 0 });

export function money(amount: number): string {
  return format.format(amount);
}

/** A round amount, without cents. */
export function roundMoney(amount: number): string {
  return whole.format(amount);
}

/** A product as Segment's e-commerce events name it. */
export function asSegmentProduct(product: Product): { product_id: string; sku: string; name: string; category: string; brand: string; price: number; currency: string } {
  const { sku, name, category, price } = product;
  return { product_id: sku, sku, name, category, brand: BRAND, price, currency: CURRENCY };
}
