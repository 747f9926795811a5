import type { JSX } from "preact";

function icon(path: JSX.Element) {
  return (
    <svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false">
      {path}
    </svg>
  );
}

export const Hash = () => icon(<path d="M8 3.500 6.500 16.500M13.500 3.500 12 16.500M3.800 7.500h13M3.200 12.500h13" />);
export const Lock = () => icon(<path d="M5 9h10v7.500H5zM7 9V6.500a3 3 0 0 1 6 0V9" />);
export const People = () => icon(<path d="M7.500 9.500a2.800 2.800 0 1 0 0-5.600 2.800 2.800 0 0 0 0 5.600ZM2.500 16.500c0-3 2-4.800 5-4.800s5 1.800 5 4.800M13 4.300a2.600 2.600 0 0 1 0 5M14.500 12c1.900.5 3 2.100 3 4.500" />);
export const Back = () => icon(<path d="M12 4.500 6.500 10l5.500 5.500" />);
export const Plus = () => icon(<path d="M10 4v12M4 10h12" />);
export const Search = () => icon(<path d="M9 14.500a5.500 5.500 0 1 0 0-11 5.500 5.500 0 0 0 0 11ZM13 13l4 4" />);
export const Glass = () => icon(<path d="M4.500 3.500h11M4.500 7h4M4.500 10.500h2.500M12 15a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7ZM14.500 14l3 3" />);
export const At = () => icon(<path d="M10 13.200a3.200 3.200 0 1 0 0-6.400 3.200 3.200 0 0 0 0 6.400ZM13.200 7v4c0 2.900 3.800 2.600 3.800-1a7 7 0 1 0-2.800 5.600" />);
export const Send = () => icon(<path d="M10 16.500v-13M4.500 9 10 3.500 15.500 9" />);
export const Down = () => icon(<path d="M10 3.500v13M4.500 11l5.500 5.500 5.500-5.500" />);
export const Gear = () => icon(<path d="M3.500 6h7m4 0h2M3.500 14h2m4 0h7M12.500 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM7.500 16a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z" />);
export const More = () => icon(<path d="M4.500 10h.01M10 10h.01M15.500 10h.01" stroke-width="2.600" />);
export const Smile = () => icon(<path d="M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM7.500 8.300v.4M12.500 8.300v.4M6.800 11.800c1.700 2.300 4.700 2.300 6.400 0" />);
export const Reply = () => icon(<path d="M8 5 3.500 9.500 8 14M4 9.500h7.500c3 0 5 2 5 5.500" />);
export const Pin = () => icon(<path d="M7 3.500h6l-.8 5.500 2.300 2.500v1h-9v-1L7.800 9 7 3.500ZM10 12.500v4" />);
export const Cross = () => icon(<path d="m5 5 10 10M15 5 5 15" />);
export const Keys = () => icon(<path d="M2.500 5.500h15v9h-15zM5.500 8.500h.01M8.500 8.500h.01M11.500 8.500h.01M14.500 8.500h.01M6.500 11.800h7" />);

export const Clip = () => icon(<path d="m8 11.500 5-5a2 2 0 0 1 2.800 2.800l-6.300 6.300a3.600 3.600 0 0 1-5.100-5.100L10.500 4.400" />);
export const Talk = () => icon(<path d="M3.500 5h13v9H9l-3.500 3v-3h-2zM7 8.500h6M7 11h4" />);

/** The house: a roof over a door with its lattice. */
export const House = () => (
  <svg class="house" viewBox="0 0 64 64" aria-hidden="true" focusable="false">
    <path d="M11 25.500C19 23 26 18.500 32 12.500c6 6 13 10.500 21 13" />
    <path d="M17 27v24h30V27" />
    <path d="M27 51V33h10v18M27 42h10M32 33v18" />
  </svg>
);
